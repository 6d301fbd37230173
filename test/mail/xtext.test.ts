import { describe, expect, it } from 'vitest'
import { decodeUtf8AddressXtext, decodeXtext, encodeUtf8AddressXtext, encodeXtext } from '../../src/mail/xtext.ts'

describe('xtext (RFC 3461 section 4)', () => {
  it.each([
    ['QQ314159', 'QQ314159'],
    ['a+b=c d', 'a+2Bb+3Dc+20d'],
    ['', ''],
  ])('of %j is %j', (text, encoded) => {
    expect(encodeXtext(text)).toBe(encoded)
    expect(decodeXtext(encoded)).toBe(text)
  })

  it.each(['a=b', 'a+', 'a+2', 'a+2b', 'a b', 'é', 'x+0D+0ABcc:+20y', 'x+00', 'x+FF'])('refuses %j', (encoded) => {
    expect(decodeXtext(encoded)).toBeUndefined()
  })
})

describe('UTF-8 addresses in xtext (RFC 6533 section 3)', () => {
  it('goes there and back', () => {
    for (const address of ['jürgen@münchen.test', '用户@例子.test', 'a+b=c\\d@x.test', '😀@x.test']) {
      const encoded = encodeUtf8AddressXtext(address)
      expect(encoded).toMatch(/^[!-*,-<>-~]*$/)
      expect(decodeUtf8AddressXtext(encoded)).toBe(address)
    }
    expect(encodeUtf8AddressXtext('é@x')).toBe('\\x{E9}@x')
  })

  it.each(['\\x{110000}', '\\x{D800}', '\\x{0D}\\x{0A}'])('refuses %j', (encoded) => {
    expect(decodeUtf8AddressXtext(encoded)).toBeUndefined()
  })
})
