import { expect, it } from 'vitest'
import type { Dns } from '../../src/net/listeners.ts'
import { ReverseNames } from '../../src/net/reverse-names.ts'
import { manualClock } from './manual-clock.ts'

const PEER = '192.0.2.7'

function world(names: Record<string, string[]>, addresses: Record<string, string[]>) {
  const asked: string[] = []
  const answer = (table: Record<string, string[]>) => async (name: string) => {
    asked.push(name)
    const found = table[name]
    if (found === undefined) throw Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    return found
  }
  const dns = { reverse: answer(names), resolve4: answer(addresses), resolve6: answer(addresses) } as unknown as Dns
  const clock = manualClock()
  const reverse = new ReverseNames(dns, clock)
  const known = async (address = PEER) => {
    reverse.expect(address)
    for (let turn = 0; turn < 20; turn++) await Promise.resolve()
    return reverse.of(address)
  }
  return { reverse, asked, clock, known }
}

it('knows a name that has the address itself', async () => {
  expect(await world({ [PEER]: ['mx.a.test'] }, { 'mx.a.test': ['192.0.2.1', PEER] }).known()).toBe('mx.a.test')
  const six = '2001:db8::7'
  const spelled = '2001:0db8:0:0:0:0:0:7'
  expect(await world({ [six]: ['mx.a.test'] }, { 'mx.a.test': [spelled] }).known(six)).toBe('mx.a.test')
})

it.each([
  [{}, {}],
  [{ [PEER]: ['mx.a.test'] }, {}],
  [{ [PEER]: ['mx.a.test'] }, { 'mx.a.test': ['192.0.2.8'] }],
  [{ [PEER]: ['a b', 'x)\r\nX-Evil: 1', '', '1', '2'] }, { '2': [PEER] }],
])('knows no name of %j with %j', async (names, addresses) => {
  expect(await world(names, addresses).known()).toBeUndefined()
})

it('takes the first name that is confirmed', async () => {
  const names = { [PEER]: ['liar.test', 'mx.a.test'] }
  expect(await world(names, { 'liar.test': ['192.0.2.9'], 'mx.a.test': [PEER] }).known()).toBe('mx.a.test')
})

it('asks once an hour, or after ten minutes where there was no name', async () => {
  const { asked, clock, known } = world({ [PEER]: ['mx.a.test'] }, { 'mx.a.test': [PEER] })
  await known()
  await known()
  await known('192.0.2.99')
  expect(asked).toEqual([PEER, 'mx.a.test', '192.0.2.99'])
  clock.advance(601_000)
  await known()
  await known('192.0.2.99')
  expect(asked).toHaveLength(4)
  clock.advance(3_600_000)
  await known()
  expect(asked).toHaveLength(6)
})

it('asks nobody about this machine, and about no more than so many at once', async () => {
  const { asked, reverse } = world({}, {})
  for (const own of ['', '127.0.0.1', '127.8.8.8', '::1']) reverse.expect(own)
  expect(asked).toEqual([])
  for (let at = 0; at < 200; at++) reverse.expect(`198.51.100.${at}`)
  expect(asked).toHaveLength(64)
})
