import { describe, expect, it } from 'vitest'
import {
  parameterText,
  parseContentType,
  parseToken,
  parseTokenList,
  parseTokenWithParameters,
} from '../../src/mail/mime-parameters.ts'

const parameters = (text: string) => Object.fromEntries(parseContentType(`a/b; ${text}`)?.parameters ?? [])

describe('media types (RFC 2045 section 5.1)', () => {
  it.each([
    ['text/plain', 'text', 'plain'],
    ['TEXT / HTML ; charset=x', 'text', 'html'],
    ['(c) application/vnd.x+json (d)', 'application', 'vnd.x+json'],
  ])('reads %j', (value, type, subtype) => {
    expect(parseContentType(value)).toMatchObject({ type, subtype })
  })

  it.each(['', 'text', 'text/', '/plain', '"text"/plain', ';'])('refuses %j', (value) => {
    expect(parseContentType(value)).toBeUndefined()
  })
})

describe('parameters', () => {
  it.each([
    ['charset=us-ascii (Plain)', { charset: 'us-ascii' }],
    ['Charset="us-ascii"', { charset: 'us-ascii' }],
    ['name="a; \\"b\\""; x=y', { name: 'a; "b"', x: 'y' }],
    ['; ; a=1;; b = 2 ;', { a: '1', b: '2' }],
    ['junk; a=1', { a: '1' }],
    ['a=1; a=2', { a: '1' }],
    ['a=1 b=2', { a: '1', b: '2' }],
    ['name=two words; a=1', { name: 'two', a: '1' }],
    ['a="open', { a: 'open' }],
  ])('reads %j', (text, expected) => {
    expect(parameters(text)).toEqual(expected)
  })

  it.each([
    ['url*0="ftp://"; url*1="cs.test/x"', { url: 'ftp://cs.test/x' }],
    ['url*1=b; url*0=a; url*3=lost', { url: 'ab' }],
    ["t*0*=us-ascii'en'This%20is; t*1*=%20fun; t*2=\" it's!\"", { 't*': "us-ascii'en'This%20is%20fun%20it%27s!" }],
    ["f*=utf-8''%C3%A9; f=e", { 'f*': "utf-8''%C3%A9", f: 'e' }],
  ])('joins %j (RFC 2231)', (text, expected) => {
    expect(parameters(text)).toEqual(expected)
  })

  it('are text whichever way they were encoded', () => {
    const of = (value: string) => parseTokenWithParameters(`attachment; ${value}`)?.parameters ?? new Map()
    expect(parameterText(of("filename*=utf-8''%C3%A9.txt; filename=e.txt"), 'filename')).toBe('é.txt')
    expect(parameterText(of('filename="=?utf-8?q?=C3=A9.txt?="'), 'filename')).toBe('é.txt')
    expect(parameterText(of('x=y'), 'filename')).toBeUndefined()
  })

  it('are a hundred at most, and read in time in proportion to the input', () => {
    const started = performance.now()
    expect(Object.keys(parameters(Array.from({ length: 500 }, (_, place) => `p${place}=1`).join(';'))).length).toBe(100)
    for (const unit of ['a*0=', ';', ';a=', ';a', '"', '(', ';a="', ';a*0*=%', ' a', 'a*', ';a*1=b']) {
      parameters(unit.repeat(1_000_000 / unit.length))
    }
    expect(performance.now() - started).toBeLessThan(6000)
  })
})

it('reads a token, and nothing that is more than one', () => {
  expect(parseToken(' Base64 (why)')).toBe('base64')
  expect(parseToken('8 bit')).toBeUndefined()
  expect(parseToken('')).toBeUndefined()
  expect(parseTokenList('en, de (German) ,, fr')).toEqual(['en', 'de', 'fr'])
})
