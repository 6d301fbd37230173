import { describe, expect, it } from 'vitest'
import { decodeCharset, decodeExtendedValue, decodeToLine, decodeWords } from '../../src/mail/encoded-word.ts'

describe('encoded words (RFC 2047)', () => {
  it.each([
    ['=?ISO-8859-1?Q?Andr=E9?= Pirard', 'André Pirard'],
    ['=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=', 'If you can read this yo'],
    // Section 8's table: white space between two encoded words is not shown.
    ['(=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=)', '(ab)'],
    ['(=?ISO-8859-1?Q?a?=  b)', '(a  b)'],
    ['(=?ISO-8859-1?Q?a_b?=)', '(a b)'],
    ['=?utf-8?q?=C3?= =?UTF-8?Q?=A9?=', 'é'],
    ['=?utf-8*en?q?x?=', 'x'],
    ['=?utf-8?q?two words?=', 'two words'],
    ['=?gb2312?B?xOO6ww==?=', '你好'],
    ['=?nonsense?q?=E9?=', 'é'],
    ['=?utf-8?x?y?=', '=?utf-8?x?y?='],
    ['=?utf-8?q?open', '=?utf-8?q?open'],
    ['=?utf-8?b?****?=', ''],
    ['plain', 'plain'],
  ])('decodes %j', (raw, text) => {
    expect(decodeWords(raw)).toBe(text)
  })

  it('reads raw octets as UTF-8 when they are, as windows-1252 when not', () => {
    expect(decodeWords(Buffer.from('é').toString('latin1'))).toBe('é')
    expect(decodeWords('\xe9')).toBe('é')
  })

  it('gives one line whatever is encoded', () => {
    expect(decodeToLine('=?utf-8?q?a=0D=0ABcc:_x=00y?=')).toBe('a Bcc: x y')
  })

  it('takes time in proportion to the input', () => {
    const started = performance.now()
    for (const unit of ['=?', '=?a?q?', '=?utf-8?q?=41?= ', '=?a?b?a?a', '?=', '=?=?q?']) {
      decodeToLine(unit.repeat(1_000_000 / unit.length))
    }
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

describe('extended parameter values (RFC 2231 section 4)', () => {
  it.each([
    ["us-ascii'en-us'This%20is%20fun", 'This is fun'],
    ["UTF-8''%e2%82%ac%20rates", '€ rates'],
    ["iso-8859-1''%A3", '£'],
    ['%C3%A9', 'é'],
    ["utf-8''100%", '100%'],
  ])('decodes %j', (raw, text) => {
    expect(decodeExtendedValue(raw)).toBe(text)
  })
})

it('gives every octet a character in an unknown charset', () => {
  expect(decodeCharset(Buffer.from([0x41, 0x80, 0xe9]), '../../etc/passwd')).toBe('A€é')
})
