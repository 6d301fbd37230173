import { describe, expect, it } from 'vitest'
import { mailboxesOf, parseAddressList } from '../../src/mail/address-list.ts'

const one = (text: string) => {
  const items = parseAddressList(text)
  expect(items.length).toBe(1)
  return items[0]
}
const brief = (text: string) =>
  mailboxesOf(parseAddressList(text)).map(({ name, local, domain }) => `${name ?? ''}|${local ?? ''}|${domain ?? ''}`)

describe('one mailbox (RFC 5322 section 3.4)', () => {
  it.each([
    ['alice@example.test', { local: 'alice', domain: 'example.test' }],
    ['Alice Smith <alice@example.test>', { name: 'Alice Smith', local: 'alice', domain: 'example.test' }],
    ['"Smith, Alice" <alice@example.test>', { name: 'Smith, Alice', local: 'alice', domain: 'example.test' }],
    ['"a \\"b\\" \\\\" <a@b.test>', { name: 'a "b" \\', local: 'a', domain: 'b.test' }],
    ['John Q. Public <j@b.test>', { name: 'John Q. Public', local: 'j', domain: 'b.test' }],
    ['"a b"@example.test', { local: 'a b', domain: 'example.test' }],
    ['a@[IPv6:::1]', { local: 'a', domain: '[IPv6:::1]' }],
    ['a@b.test (Alice \\) (nested))', { name: 'Alice ) (nested)', local: 'a', domain: 'b.test' }],
    ['=?utf-8?q?x?= <a@b.test>', { name: '=?utf-8?q?x?=', local: 'a', domain: 'b.test' }],
    ['Jürgen <jürgen@münchen.test>', { name: 'Jürgen', local: 'jürgen', domain: 'münchen.test' }],
  ])('reads %j', (text, expected) => {
    expect(one(text)).toEqual({ kind: 'mailbox', ...expected })
  })

  it.each([
    ['<@a.test,@b.test:joe@c.test>', { route: '@a.test,@b.test', local: 'joe', domain: 'c.test' }],
    ['joe . smith @ example (x) . test', { name: 'x', local: 'joe.smith', domain: 'example.test' }],
    ['Joe <joe@\r\n example.test>', { name: 'Joe', local: 'joe', domain: 'example.test' }],
  ])('reads the obsolete %j (RFC 5322 section 4.4)', (text, expected) => {
    expect(one(text)).toEqual({ kind: 'mailbox', ...expected })
  })

  it.each([
    ['Alice alice@example.test', { name: 'Alice', local: 'alice', domain: 'example.test' }],
    ['"Alice"alice@example.test', { name: 'Alice', local: 'alice', domain: 'example.test' }],
    ['"" <a@b.test>', { local: 'a', domain: 'b.test' }],
    ['"a"."b c"@x.test', { local: 'a.b c', domain: 'x.test' }],
    ['<a@b.test>junk', { local: 'a', domain: 'b.test' }],
    ['root', { local: 'root' }],
    ['Somebody Else', { name: 'Somebody Else' }],
    ['<root>', { local: 'root' }],
    ['<@example.test>', { domain: 'example.test' }],
    ['a <a@b.test', { name: 'a', local: 'a', domain: 'b.test' }],
    ['"open <a@b.test>', { name: 'open <a@b.test>' }],
    ['a@b.test (open', { name: 'open', local: 'a', domain: 'b.test' }],
  ])('makes the best of %j', (text, expected) => {
    expect(one(text)).toEqual({ kind: 'mailbox', ...expected })
  })
})

describe('lists and groups', () => {
  it('reads every mailbox, empty places passed over', () => {
    expect(brief('a@b.test, , "x, y" <c@d.test>;e@f.test,')).toEqual(['|a|b.test', 'x, y|c|d.test', '|e|f.test'])
  })

  it('reads groups with and without members', () => {
    expect(parseAddressList('Friends: a@b.test, C <c@d.test>; , nobody:;, x@y.test')).toEqual([
      {
        kind: 'group',
        name: 'Friends',
        members: [
          { kind: 'mailbox', local: 'a', domain: 'b.test' },
          { kind: 'mailbox', name: 'C', local: 'c', domain: 'd.test' },
        ],
      },
      { kind: 'group', name: 'nobody', members: [] },
      { kind: 'mailbox', local: 'x', domain: 'y.test' },
    ])
  })

  it('reads nothing from nothing', () => {
    for (const text of ['', ' ', ',', '(comment)', ';;', ')', '>']) expect(parseAddressList(text)).toEqual([])
  })

  it('never gives a name in quotes to be the address', () => {
    expect(brief('"victim@bank.test" <thief@evil.test>')).toEqual(['victim@bank.test|thief|evil.test'])
    expect(brief('victim@bank.test (<) thief@evil.test (>)')).toEqual([expect.stringContaining('|victim|bank.test')])
  })

  it('keeps 0xA0, half of a UTF-8 letter, where it stands', () => {
    const raw = Buffer.from('à <à@b.test> (à)').toString('latin1')
    expect(brief(raw)).toEqual([Buffer.from('à|à|b.test').toString('latin1')])
  })
})

describe('hostile input', () => {
  it('is read in time in proportion to it', () => {
    const started = performance.now()
    for (const unit of [
      '(',
      '"',
      '<',
      '@',
      'a@',
      '<@a,',
      ':',
      'a:',
      '\\',
      '[',
      '(\\',
      ' .',
      '=?',
      'a ',
      '",',
      '<a',
      '(a)',
    ]) {
      parseAddressList(unit.repeat(1_000_000 / unit.length))
    }
    expect(performance.now() - started).toBeLessThan(6000)
  })

  it('gives 20,000 addresses at most', () => {
    expect(parseAddressList('a,'.repeat(100_000)).length).toBe(20_000)
    expect(mailboxesOf(parseAddressList(`g:${'a,'.repeat(100_000)};`)).length).toBeLessThanOrEqual(20_000)
  })
})
