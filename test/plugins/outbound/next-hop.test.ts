import { describe, expect, it } from 'vitest'
import { outbound } from '../../../plugins/outbound/index.ts'
import { formatNextHop, parseNextHop } from '../../../plugins/outbound/next-hop.ts'
import { recipientVerdict, replyText, verdictOf } from '../../../plugins/outbound/reply.ts'
import { validOptions } from '../../../src/kernel/host.ts'

describe('a next hop', () => {
  it.each([
    ['smtp://gw.test', { host: 'gw.test', port: 25, tls: 'opportunistic' }],
    ['gw.test:2525', { host: 'gw.test', port: 2525, tls: 'opportunistic' }],
    ['smtps://gw.test', { host: 'gw.test', port: 465, tls: 'implicit' }],
    ['smtp://[2001:db8::1]:26', { host: '2001:db8::1', port: 26, tls: 'opportunistic' }],
    ['smtp://us:p%40ss@gw.test', { host: 'gw.test', port: 587, tls: 'starttls', user: 'us', password: 'p@ss' }],
    ['smtp://gw.test?tls=none', { host: 'gw.test', port: 25, tls: 'none' }],
    ['http://gw.test', undefined],
    ['smtp://gw.test?tls=maybe', undefined],
    ['smtp://gw.test/path', undefined],
    ['smtp://', undefined],
    ['', undefined],
  ])('is read from %s', (text, expected) => {
    expect(parseNextHop(text)).toEqual(expected)
  })

  it('prints as it was read', () => {
    for (const text of ['smtp://gw.test:25', 'smtps://[2001:db8::1]:465']) {
      const hop = parseNextHop(text)
      expect(hop && formatNextHop(hop)).toBe(text)
    }
  })
})

describe('options', () => {
  it('have a default each', async () => {
    expect(await validOptions(outbound())).toMatchObject({ port: 25, concurrency: { total: 50, perDestination: 10 } })
  })

  it('take a smarthost as a URL or in full', async () => {
    expect(await validOptions(outbound({ smarthost: 'smtps://us:pw@gw.test' }))).toMatchObject({
      smarthost: { host: 'gw.test', port: 465, tls: 'implicit', verify: true, auth: { user: 'us', pass: 'pw' } },
    })
    expect(
      await validOptions(outbound({ smarthost: { host: 'gw.test', auth: { user: 'us', pass: 'pw' } } })),
    ).toMatchObject({ smarthost: { port: 587, tls: 'starttls' } })
  })

  it.each([
    [{ smarthost: 'nonsense://x' }, 'smarthost'],
    [{ port: 0 }, 'port'],
    [{ timeouts: { attempt: '2h' } }, '45 minutes'],
    [{ sourceAddress: 'localhost' }, 'sourceAddress'],
  ])('are refused when they cannot be meant: %j', async (options, about) => {
    await expect(validOptions(outbound(options))).rejects.toThrow(about)
  })
})

describe('a reply', () => {
  it.each([
    ['250 2.0.0 queued as 12', 'delivered', '2.0.0'],
    ['250 OK', 'delivered', '2.0.0'],
    ['451 4.7.1 greylisted', 'deferred', '4.7.1'],
    ['550 no', 'failed', '5.0.0'],
    ['550 4.1.1 wrong class', 'failed', '5.0.0'],
    ['450-4.2.0 first\r\n450 4.2.0 second', 'deferred', '4.2.0'],
    ['garbage', 'deferred', '4.0.0'],
  ])('%s means %s', (reply, kind, status) => {
    expect(verdictOf(reply, '0.0')).toMatchObject({ kind, status })
  })

  it('is one line', () => {
    expect(replyText('550-5.1.1 The user\r\n550-5.1.1 does not\r\n550 5.1.1 exist\u0007')).toBe(
      '550 5.1.1 The user 5.1.1 does not 5.1.1 exist',
    )
    expect(replyText(`550 ${'x'.repeat(5000)}`)).toHaveLength(1000)
  })

  it.each([
    ['550 5.1.1 unknown', 'failed', '5.1.1'],
    ['552 too many recipients', 'deferred', '4.5.3'],
    ['552 5.2.2 mailbox full', 'failed', '5.2.2'],
    ['452 4.5.3 too many', 'deferred', '4.5.3'],
    ['450 busy', 'deferred', '4.0.0'],
  ])('to RCPT %s means %s', (reply, kind, status) => {
    expect(recipientVerdict(reply)).toMatchObject({ kind, status })
  })
})
