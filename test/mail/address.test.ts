import { describe, expect, it } from 'vitest'
import { addressKey, formatAddress, normalizeDomain, parseAddress, splitSubaddress } from '../../src/mail/address.ts'

const parsed = (text: string) => {
  const address = parseAddress(text)
  return address === undefined ? undefined : formatAddress(address)
}
const key = (text: string) => {
  const address = parseAddress(text)
  return address === undefined ? undefined : addressKey(address)
}

describe('a domain', () => {
  it.each([
    ['Example.TEST', 'example.test'],
    ['example.test.', 'example.test'],
    // RFC 5891: both forms of an internationalised name are one name.
    ['Bücher.test', 'xn--bcher-kva.test'],
    ['XN--BCHER-KVA.test', 'xn--bcher-kva.test'],
    ['bücher.test', 'xn--bcher-kva.test'],
    ['example。test', 'example.test'],
    ['ｅｘample.test', 'example.test'],
    ['[192.0.2.1]', '[192.0.2.1]'],
    ['[IPv6:2001:DB8::1]', '[ipv6:2001:db8::1]'],
  ])('%s is %s', (text, expected) => {
    expect(normalizeDomain(text)).toBe(expected)
  })

  it.each(['', '.', 'a..b', '-a.test', 'a-.test', 'a b.test', 'a_b@c', `${'a'.repeat(64)}.test`, '[x]', '[]', 'a\0b'])(
    '%j is none',
    (text) => {
      expect(normalizeDomain(text)).toBeUndefined()
    },
  )
})

describe('an address', () => {
  it.each(['a@b.test', '"a b"@c.test', '"a@b"@c.test', 'a%b@c.test', 'b.test!a@c.test', 'zoë@c.test', "o'neil@c.test"])(
    '%s is taken as it stands',
    (text) => {
      expect(parsed(text)).toBe(text)
    },
  )

  it.each([
    'a@b@c.test',
    '.a@c.test',
    'a.@c.test',
    'a..b@c.test',
    'a b@c.test',
    '@c.test',
    'a@',
    'a',
    '"a@c.test',
    'a"b"@c.test',
    '"a\r\nBcc: x"@c.test',
    'a\u200bb@c.test',
    'a\u0085b@c.test',
    `${'ä'.repeat(128)}@c.test`,
  ])('%j is none', (text) => {
    expect(parsed(text)).toBeUndefined()
  })
})

describe('what an address is looked up by', () => {
  it.each([
    ['ALICE@Example.TEST', 'alice@example.test'],
    ['"alice"@example.test', 'alice@example.test'],
    ['"al\\ice"@example.test', 'alice@example.test'],
    ['"a b"@example.test', '"a b"@example.test'],
    // RFC 6532 section 3.1: composed or not, it is the same name.
    ['zoe\u0308@example.test', 'zo\u00eb@example.test'],
  ])('%s: %s', (text, expected) => {
    expect(key(text)).toBe(expected)
  })

  it('keeps an address within a quoted local part apart from that address', () => {
    expect(key('"user@far.test"@example.test')).toBe('"user@far.test"@example.test')
  })
})

it.each([
  ['alice+tag', '+', { user: 'alice', tag: 'tag' }],
  ['alice+a+b', '+', { user: 'alice', tag: 'a+b' }],
  ['alice+', '+', { user: 'alice', tag: '' }],
  ['+alice', '+', { user: '+alice', tag: undefined }],
  ['alice-tag', '+', { user: 'alice-tag', tag: undefined }],
  ['alice+tag', '', { user: 'alice+tag', tag: undefined }],
])('a subaddress is what follows the first delimiter: %s by %j (RFC 5233)', (local, delimiter, expected) => {
  expect(splitSubaddress(local, delimiter)).toEqual(expected)
})
