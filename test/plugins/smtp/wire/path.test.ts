import { describe, expect, it } from 'vitest'
import { addressOf, parsePath } from '../../../../plugins/smtp/wire/path.ts'

describe('parsePath', () => {
  it.each([
    ['FROM:<a@b.test>', 'a@b.test', {}],
    ['from: <a@b.test>', 'a@b.test', {}],
    ['FROM:<>', '', {}],
    ['FROM:<@relay.test,@other.test:a@b.test>', 'a@b.test', {}],
    ['FROM:<"a b"@c.test> SIZE=10', '"a b"@c.test', { SIZE: '10' }],
    ['FROM:<"a>b"@c.test>', '"a>b"@c.test', {}],
    [String.raw`FROM:<"a\">b"@c.test>`, String.raw`"a\">b"@c.test`, {}],
    ['FROM:<a@b.test> SMTPUTF8 size=1 BODY=8BITMIME', 'a@b.test', { SMTPUTF8: true, SIZE: '1', BODY: '8BITMIME' }],
  ])('reads %s', (text, path, parameters) => {
    expect(parsePath(text, 'FROM')).toEqual({ path, parameters: new Map(Object.entries(parameters)) })
  })

  it.each([
    '',
    'FROM',
    'FROM:',
    'FROM:a@b.test',
    'FROM:<a@b.test',
    'FROM:a@b.test>',
    'TO:<a@b.test>',
    'FROM:<a<b@c>',
    'FROM:<a@b>x',
  ])('refuses %j', (text) => {
    expect(parsePath(text, 'FROM')).toBeUndefined()
  })

  it.each([
    'FROM:<> SIZE=1 SIZE=2',
    'FROM:<> SIZE=1 size=2',
    'FROM:<> =1',
    'FROM:<> SIZE=',
    'FROM:<> A=b=c',
    'FROM:<> __proto__=1',
  ])('refuses the parameters of %j', (text) => {
    expect(parsePath(text, 'FROM')).toBe('parameters')
  })

  it('knows the lone postmaster (RFC 5321 section 4.5.1)', () => {
    expect(addressOf('PostMaster', 'MX.example.test')).toEqual({ local: 'PostMaster', domain: 'mx.example.test' })
    expect(addressOf('someone', 'mx.example.test')).toBeUndefined()
  })
})
