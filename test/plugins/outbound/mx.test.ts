import { describe, expect, it } from 'vitest'
import { hostsFor } from '../../../plugins/outbound/mx.ts'
import { OwnAddresses } from '../../../plugins/outbound/own-addresses.ts'
import { fakeDns, type Zone } from './fake-dns.ts'

const own = (allowLoopback = false) =>
  new OwnAddresses(['198.51.100.7'], { allowLoopback, interfaces: ['192.0.2.99', 'fe80::1%eth0'] })

const find = (domain: string, zones: Record<string, Zone>, options: { random?: () => number; v6?: boolean } = {}) =>
  hostsFor(domain, {
    dns: fakeDns(zones),
    ownNames: new Set(['mail.home.test']),
    ownAddresses: own(),
    preferIpv6: options.v6 ?? false,
    random: options.random ?? (() => 0),
  })

const names = async (...args: Parameters<typeof find>) => {
  const found = await find(...args)
  return 'hosts' in found ? found.hosts.map(({ name }) => name) : found.verdict
}

const host = (address: string): Zone => ({ a: [address] })

describe('where mail for a domain goes (RFC 5321 section 5.1)', () => {
  it('orders by preference', async () => {
    const zones = {
      'x.test': {
        mx: [
          [30, 'c.x.test'],
          [10, 'a.x.test'],
          [20, 'b.x.test'],
        ] as const,
      },
      'a.x.test': host('192.0.2.1'),
      'b.x.test': host('192.0.2.2'),
      'c.x.test': host('192.0.2.3'),
    }
    expect(await names('x.test', zones)).toEqual(['a.x.test', 'b.x.test', 'c.x.test'])
  })

  it('asks for the A-labels of an internationalised MX, as they stand (RFC 5891)', async () => {
    const zones = {
      'xn--bcher-kva.test': { mx: [[10, 'MX.xn--bcher-kva.test']] as const },
      'MX.xn--bcher-kva.test': host('192.0.2.1'),
    }
    expect(await names('xn--bcher-kva.test', zones)).toEqual(['MX.xn--bcher-kva.test'])
  })

  it('shuffles equals, and only them', async () => {
    const zones = {
      'x.test': {
        mx: [
          [10, 'a.x.test'],
          [10, 'b.x.test'],
          [5, 'first.x.test'],
        ] as const,
      },
      'a.x.test': host('192.0.2.1'),
      'b.x.test': host('192.0.2.2'),
      'first.x.test': host('192.0.2.3'),
    }
    const ups = [0.1, 0.2, 0.3]
    const downs = [0.3, 0.2, 0.1]
    expect(await names('x.test', zones, { random: () => ups.shift() ?? 0 })).toEqual([
      'first.x.test',
      'a.x.test',
      'b.x.test',
    ])
    expect(await names('x.test', zones, { random: () => downs.shift() ?? 0 })).toEqual([
      'first.x.test',
      'b.x.test',
      'a.x.test',
    ])
  })

  it('falls back to the address of the domain without MX', async () => {
    expect(await find('x.test', { 'x.test': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] } })).toEqual({
      hosts: [{ name: 'x.test', addresses: ['192.0.2.1', '2001:db8::1'] }],
    })
    expect(await find('x.test', { 'x.test': { a: ['192.0.2.1'], aaaa: ['2001:db8::1'] } }, { v6: true })).toEqual({
      hosts: [{ name: 'x.test', addresses: ['2001:db8::1', '192.0.2.1'] }],
    })
  })

  it('does not fall back to the address where there is an MX, even a useless one', async () => {
    const zones = { 'x.test': { mx: [[10, 'gone.x.test']] as const, a: ['192.0.2.1'] } }
    expect(await names('x.test', zones)).toMatchObject({ kind: 'failed', status: '5.4.4' })
  })

  it('takes a null MX as "no mail" (RFC 7505)', async () => {
    for (const exchange of ['', '.']) {
      expect(await names('x.test', { 'x.test': { mx: [[0, exchange]], a: ['192.0.2.1'] } })).toMatchObject({
        kind: 'failed',
        status: '5.1.10',
      })
    }
  })

  it('fails for a domain that does not exist, or has no address', async () => {
    expect(await names('x.test', {})).toMatchObject({ kind: 'failed', status: '5.1.2' })
    expect(await names('x.test', { 'x.test': {} })).toMatchObject({ kind: 'failed', status: '5.4.4' })
  })

  it.each(['ESERVFAIL', 'ETIMEOUT', 'ECONNREFUSED', 'EREFUSED'])(
    'defers for a fault of the DNS (%s)',
    async (fault) => {
      expect(await names('x.test', { 'x.test': { fault } })).toMatchObject({ kind: 'deferred', status: '4.4.3' })
      const zones = { 'x.test': { mx: [[10, 'a.x.test']] as const }, 'a.x.test': { fault } }
      expect(await names('x.test', zones)).toMatchObject({ kind: 'deferred', status: '4.4.3' })
    },
  )

  it('uses the hosts it found when others could not be looked up', async () => {
    const zones = {
      'x.test': {
        mx: [
          [10, 'a.x.test'],
          [20, 'b.x.test'],
        ] as const,
      },
      'a.x.test': { fault: 'ESERVFAIL' },
      'b.x.test': host('192.0.2.2'),
    }
    expect(await names('x.test', zones)).toEqual(['b.x.test'])
  })

  it('cuts itself and all that is not better off, by name and by address', async () => {
    const zones = {
      'x.test': {
        mx: [
          [10, 'a.x.test'],
          [20, 'Mail.Home.Test'],
          [20, 'b.x.test'],
          [30, 'c.x.test'],
        ] as const,
      },
      'y.test': {
        mx: [
          [10, 'a.x.test'],
          [20, 'us.x.test'],
          [30, 'c.x.test'],
        ] as const,
      },
      'a.x.test': host('192.0.2.1'),
      'b.x.test': host('192.0.2.2'),
      'c.x.test': host('192.0.2.3'),
      'us.x.test': host('192.0.2.99'),
      'mail.home.test': host('192.0.2.99'),
    }
    expect(await names('x.test', zones)).toEqual(['a.x.test'])
    expect(await names('y.test', zones)).toEqual(['a.x.test'])
  })

  it.each(['127.0.0.1', '127.8.9.1', '0.0.0.0', '198.51.100.7', '192.0.2.99'])(
    'fails when the best MX is ourselves (%s)',
    async (address) => {
      const zones = {
        'x.test': {
          mx: [
            [10, 'a.x.test'],
            [20, 'b.x.test'],
          ] as const,
        },
        'a.x.test': host(address),
        'b.x.test': host('192.0.2.2'),
      }
      expect(await names('x.test', zones)).toMatchObject({ kind: 'failed', status: '5.4.6' })
    },
  )

  it.each([
    ['[192.0.2.5]', '192.0.2.5'],
    ['[ipv6:2001:db8::5]', '2001:db8::5'],
  ])('sends to the address literal %s without asking the DNS', async (domain, address) => {
    expect(await find(domain, {})).toEqual({ hosts: [{ name: domain, addresses: [address] }] })
  })

  it('does not send to itself by an address literal', async () => {
    expect(await names('[127.0.0.1]', {})).toMatchObject({ kind: 'failed', status: '5.4.6' })
    expect(await names('[ipv6:::1]', {})).toMatchObject({ kind: 'failed', status: '5.4.6' })
    expect(await names('[ipv6:::ffff:127.0.0.1]', {})).toMatchObject({ kind: 'failed', status: '5.4.6' })
  })

  it('looks at a bounded number of hosts', async () => {
    const mx = Array.from({ length: 50 }, (_, at) => [at, `h${at}.x.test`] as const)
    const zones: Record<string, Zone> = { 'x.test': { mx } }
    for (const [at, name] of mx) zones[name] = host(`203.0.113.${at}`)
    expect(await names('x.test', zones)).toHaveLength(10)
  })
})
