import { fakeClock } from 'mailserver/testing'
import { describe, expect, it } from 'vitest'
import { DeadHosts } from '../../../plugins/outbound/dead-hosts.ts'
import { SmtpFault } from '../../../plugins/outbound/smtp-fault.ts'

const refused = () => Promise.reject(new SmtpFault('connect', 'Connection failed (ECONNREFUSED)'))
const open = () => Promise.resolve('open')

function hosts() {
  const clock = fakeClock()
  const dead = new DeadHosts(clock, 60_000)
  const reach = <T>(connect: () => Promise<T>, signal = new AbortController().signal) =>
    dead.reach('h', signal, connect)
  return { clock, dead, reach }
}

/** Connections that end when the test says so. */
function waiting() {
  const asked: PromiseWithResolvers<string>[] = []
  const connect = () => {
    const one = Promise.withResolvers<string>()
    asked.push(one)
    return one.promise
  }
  return { asked, connect }
}

const turns = () => new Promise((resolve) => setImmediate(resolve))

describe('hosts that could not be reached', () => {
  it('are left alone for a while, and then tried again', async () => {
    const { clock, reach } = hosts()
    await expect(reach(refused)).rejects.toThrow(SmtpFault)
    await expect(reach(open)).rejects.toMatchObject({ name: 'HostAway', until: clock.now() + 60_000 })
    await clock.advance(60_000)
    expect(await reach(open)).toBe('open')
    expect(await reach(open)).toBe('open')
  })

  it('are asked by one attempt for all others: back', async () => {
    const { clock, reach } = hosts()
    await reach(refused).catch(() => {})
    await clock.advance(60_000)
    const { asked, connect } = waiting()
    const all = Array.from({ length: 10 }, () => reach(connect))
    await turns()
    expect(asked).toHaveLength(1)
    asked[0]?.resolve('open')
    await turns()
    expect(asked).toHaveLength(10)
    for (const one of asked) one.resolve('open')
    expect(await Promise.all(all)).toHaveLength(10)
  })

  it('are asked by one attempt for all others: still away', async () => {
    const { clock, reach } = hosts()
    await reach(refused).catch(() => {})
    await clock.advance(60_000)
    const { asked, connect } = waiting()
    const all = Promise.allSettled(Array.from({ length: 10 }, () => reach(connect)))
    await turns()
    asked[0]?.reject(new SmtpFault('connect', 'refused'))
    const names = (await all).map((one) => (one.status === 'rejected' ? one.reason.name : 'open'))
    expect(names).toEqual(['SmtpFault', ...Array.from({ length: 9 }, () => 'HostAway')])
    expect(asked).toHaveLength(1)
  })

  it('are asked by the next attempt when the first is broken off', async () => {
    const { clock, reach } = hosts()
    await reach(refused).catch(() => {})
    await clock.advance(60_000)
    const stop = new AbortController()
    const { asked, connect } = waiting()
    const first = reach(connect, stop.signal)
    const second = reach(connect)
    stop.abort()
    asked[0]?.reject(new SmtpFault('connect', 'The attempt was broken off'))
    await expect(first).rejects.toThrow('broken off')
    await turns()
    asked[1]?.resolve('open')
    expect(await second).toBe('open')
  })

  it('let go of an attempt that is broken off while it waits', async () => {
    const { clock, reach } = hosts()
    await reach(refused).catch(() => {})
    await clock.advance(60_000)
    const { asked, connect } = waiting()
    const first = reach(connect)
    const stop = new AbortController()
    const second = reach(connect, stop.signal)
    stop.abort(new Error('stopped'))
    await expect(second).rejects.toThrow('stopped')
    asked[0]?.resolve('open')
    expect(await first).toBe('open')
  })

  it('are asked less often the longer they are away, within a bound', async () => {
    const { clock, reach } = hosts()
    const pauses: number[] = []
    for (let at = 0; at < 5; at++) {
      await reach(refused).catch(() => {})
      const { until } = (await reach(open).catch((error) => error)) as { until: number }
      pauses.push((until - clock.now()) / 60_000)
      await clock.advance(until - clock.now())
    }
    expect(pauses).toEqual([1, 2, 4, 5, 5])
  })

  it('are one absence for attempts that fail together', async () => {
    const { clock, reach } = hosts()
    const { asked, connect } = waiting()
    const all = Promise.allSettled([reach(connect), reach(connect), reach(connect)])
    for (const one of asked) one.reject(new SmtpFault('session', 'The connection was closed'))
    await all
    await expect(reach(open)).rejects.toMatchObject({ until: clock.now() + 60_000 })
  })

  it('are tried at once, by one attempt first, when an operator wants it', async () => {
    const { dead, reach } = hosts()
    await reach(refused).catch(() => {})
    dead.doubt()
    const { asked, connect } = waiting()
    const all = Promise.allSettled([reach(connect), reach(connect)])
    await turns()
    expect(asked).toHaveLength(1)
    asked[0]?.reject(new SmtpFault('connect', 'refused'))
    await all
    expect(asked).toHaveLength(1)
  })

  it('are there when they answer, whatever they say', async () => {
    const { reach } = hosts()
    const rude = () => Promise.reject(new SmtpFault('session', 'Invalid greeting', { reply: '554 go away' }))
    await expect(reach(rude)).rejects.toThrow('greeting')
    expect(await reach(open)).toBe('open')
  })
})
