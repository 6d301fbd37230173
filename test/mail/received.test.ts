import { describe, expect, it } from 'vitest'
import { hopCount } from '../../src/mail/header.ts'
import { protocolKeyword, receivedField, returnPathField, type Trace } from '../../src/mail/received.ts'

const TRACE: Trace = {
  from: { helo: 'client.example.test', address: '192.0.2.1', hostname: 'real.example.test' },
  by: 'mx.example.org',
  protocol: 'ESMTP',
  tls: { version: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
  isAuthenticated: false,
  smtpUtf8: false,
  id: '0198c0de',
  recipients: [{ local: 'bob', domain: 'example.org' }],
  at: 880127706000,
}
const text = (trace: Partial<Trace>) => receivedField({ ...TRACE, ...trace }).toString()

describe('Received (RFC 5321 section 4.4)', () => {
  it('says from whom, by whom, how, and when', () => {
    expect(text({})).toBe(
      'Received: from client.example.test (real.example.test [192.0.2.1])\r\n' +
        '\tby mx.example.org (TLSv1.3 TLS_AES_256_GCM_SHA384) with ESMTPS\r\n' +
        '\tid 0198c0de for <bob@example.org>; Fri, 21 Nov 1997 15:55:06 +0000\r\n',
    )
  })

  it('names no recipient when there are several, or one that is not ASCII without SMTPUTF8', () => {
    const bob = { local: 'bob', domain: 'example.org' }
    expect(text({ recipients: [bob, bob] })).not.toContain('for <')
    expect(text({ recipients: [] })).not.toContain('for <')
    expect(text({ recipients: [{ local: 'jürgen', domain: 'x.test' }] })).not.toContain('for <')
    expect(text({ recipients: [{ local: 'jürgen', domain: 'x.test' }], smtpUtf8: true })).toContain(
      'for <jürgen@x.test>',
    )
  })

  it('writes IPv6 literals, unix sockets and messages of our own', () => {
    expect(text({ from: { helo: 'h', address: '2001:db8::1' } })).toContain('from h ([IPv6:2001:db8::1])')
    expect(text({ from: { address: '' } })).toContain('from [unix] ([unix])')
    const { from: _, ...own } = TRACE
    expect(receivedField(own).toString()).toMatch(/^Received: by mx\.example\.org .* id 0198c0de\r\n/)
  })

  it('lets nothing a peer says begin a field, a comment or a clause', () => {
    for (const helo of ['a\r\nBcc: x', 'a (b', 'a) by evil', 'a b', '<x>', 'a;b', '\u0000', 'é', 'x'.repeat(300)]) {
      const field = text({ from: { helo, address: '192.0.2.1', hostname: helo } })
      expect(field.startsWith('Received: from [192.0.2.1] ([192.0.2.1])')).toBe(true)
      expect(hopCount(Buffer.from(`${field}\r\n`))).toBe(1)
    }
    expect(text({ id: 'a\r\nX: y', tls: { version: 'v)\r\n', cipher: '(' } })).toContain('(v unknown)')
  })

  it('keeps its lines within 78 columns', () => {
    for (const length of [1, 20, 40, 60]) {
      const name = 'y'.repeat(length)
      const field = text({ by: name, recipients: [{ local: name.slice(0, 40), domain: 'd.test' }] })
      for (const line of field.split('\r\n')) {
        expect(line.replace('\t', ' '.repeat(8)).length).toBeLessThanOrEqual(78)
      }
    }
  })

  it('keeps its lines within 998 octets whatever it is given', () => {
    const long = 'y'.repeat(5000)
    const field = text({
      by: long,
      id: long,
      tls: { version: long, cipher: long },
      from: { helo: long, address: '192.0.2.1' },
    })
    for (const line of field.split('\r\n')) expect(line.length).toBeLessThan(998)
  })
})

it.each([
  ['SMTP', false, false, false, 'SMTP'],
  ['ESMTP', false, false, false, 'ESMTP'],
  ['ESMTP', true, false, false, 'ESMTPS'],
  ['ESMTP', false, true, false, 'ESMTPA'],
  ['ESMTP', true, true, false, 'ESMTPSA'],
  ['LMTP', true, true, false, 'LMTPSA'],
  ['ESMTP', true, true, true, 'UTF8SMTPSA'],
  ['LMTP', false, false, true, 'UTF8LMTP'],
] as const)(
  '%s, TLS %s, AUTH %s, UTF-8 %s is with %s (RFC 3848, RFC 6531)',
  (protocol, isTls, isAuthenticated, smtpUtf8, keyword) => {
    const tls = { version: 'TLSv1.3', cipher: 'X' }
    expect(protocolKeyword({ protocol, isAuthenticated, smtpUtf8, ...(isTls && { tls }) })).toBe(keyword)
  },
)

it('writes the reverse-path at final delivery', () => {
  expect(returnPathField(undefined).toString()).toBe('Return-Path: <>\r\n')
  expect(returnPathField({ local: 'a', domain: 'b.test' }).toString()).toBe('Return-Path: <a@b.test>\r\n')
})
