import { describe, expect, test } from 'vitest'
import { ConnectionCount } from '../../src/net/connection-count.ts'
import { networkOf, normalizeAddress } from '../../src/net/peer-address.ts'

const limits = (maxConnections: number, maxPerAddress: number) => ({
  maxConnections,
  maxPerAddress,
  handshakeTimeoutMs: 1,
})

function enter(count: ConnectionCount, address: string | undefined): () => void {
  const leave = count.enter(address)
  if (typeof leave === 'string') throw new Error(`refused: ${leave}`)
  return leave
}

describe('ConnectionCount', () => {
  test('refuses one more than the total, until somebody leaves', () => {
    const count = new ConnectionCount(limits(2, 9))
    const leave = enter(count, '192.0.2.1')
    enter(count, '192.0.2.2')
    expect(count.enter('192.0.2.3')).toBe('total')
    leave()
    expect(count.total).toBe(1)
    enter(count, '192.0.2.3')
  })

  test('refuses one more than the limit of an address, and lets others in', () => {
    const count = new ConnectionCount(limits(9, 1))
    enter(count, '192.0.2.1')
    expect(count.enter('192.0.2.1')).toBe('address')
    enter(count, '192.0.2.2')
  })

  test('takes an IPv6 /64 for one address', () => {
    const count = new ConnectionCount(limits(9, 1))
    enter(count, '2001:db8:0:1::1')
    expect(count.enter('2001:db8:0:1:ffff:ffff:ffff:ffff')).toBe('address')
    enter(count, '2001:db8:0:2::1')
  })

  test('counts a connection out once, however often it says so', () => {
    const count = new ConnectionCount(limits(9, 2))
    const leave = enter(count, '192.0.2.1')
    enter(count, '192.0.2.1')
    leave()
    leave()
    expect(count.total).toBe(1)
    enter(count, '192.0.2.1')
    expect(count.enter('192.0.2.1')).toBe('address')
  })

  test('has no limit per address for a peer without one', () => {
    const count = new ConnectionCount(limits(2, 1))
    enter(count, undefined)
    enter(count, undefined)
    expect(count.enter(undefined)).toBe('total')
  })
})

test('addresses are compared in one form', () => {
  expect(normalizeAddress('::ffff:192.0.2.1')).toBe('192.0.2.1')
  expect(normalizeAddress('fe80::1%eth0')).toBe('fe80::1')
  expect(normalizeAddress('192.0.2.1')).toBe('192.0.2.1')
  expect(networkOf('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
})
