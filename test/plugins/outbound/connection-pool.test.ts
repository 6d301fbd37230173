import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { deliveryWorld } from './delivery-world.ts'
import { startScriptedServer } from './scripted-server.ts'

describe('connections', () => {
  it('carry one message after the other, without RSET where nothing is left over', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    for (let at = 0; at < 5; at++) expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    expect(server.connections).toBe(1)
    expect(server.commands).not.toContain('RSET')
  })

  it('are reset after a transaction that did not end well', async () => {
    await using server = await startScriptedServer({ rcpt: () => '550 5.1.1 unknown' })
    using world = deliveryWorld({ port: server.port })
    await world.send(['a@x.test'])
    server.behave({})
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    expect(server.connections).toBe(1)
    expect(server.commands).toContain('RSET')
  })

  it('end after their number of messages, with QUIT', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port, maxMessages: 2 })
    for (let at = 0; at < 4; at++) await world.send(['a@x.test'])
    expect(server.taken.map(({ connection }) => connection)).toEqual([1, 1, 2, 2])
    await eventually(() => server.commands.filter((line) => line === 'QUIT').length === 2)
  })

  it('end when nothing was sent for a while', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port, idleMs: 50 })
    await world.send(['a@x.test'])
    expect(world.pool.size).toBe(1)
    await eventually(() => server.commands.includes('QUIT') && server.open === 0)
    await eventually(() => world.pool.size === 0)
  })

  it('that the server closed are replaced without a failed attempt', async () => {
    await using server = await startScriptedServer({ closeAfter: 1 })
    using world = deliveryWorld({ port: server.port })
    for (let at = 0; at < 3; at++) expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    await sleep(50)
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    expect(server.connections).toBe(4)
  })

  it('that the server dropped at the next command are replaced without a failed attempt', async () => {
    await using server = await startScriptedServer()
    using world = deliveryWorld({ port: server.port })
    await world.send(['a@x.test'])
    let asked = 0
    server.behave({
      get dropAt() {
        return asked++ === 0 ? ('mail' as const) : undefined
      },
    } as never)
    expect(await world.send(['a@x.test'])).toEqual(['delivered 2.0.0'])
    expect(server.connections).toBe(2)
  })

  it('are not shared by a message that must have TLS and one that need not', async () => {
    await using server = await startScriptedServer({ tls: 'works', extensions: ['REQUIRETLS'] })
    using world = deliveryWorld({ port: server.port })
    await world.send(['a@x.test'])
    expect(await world.send(['a@x.test'], { envelope: { requireTls: true } })).toEqual(['failed 5.7.10'])
  })

  it('leave no socket behind when the pool closes', async () => {
    await using server = await startScriptedServer()
    const world = deliveryWorld({ port: server.port })
    await Promise.all(Array.from({ length: 4 }, () => world.send(['a@x.test'])))
    expect(world.pool.size).toBe(4)
    world.pool.close()
    await eventually(() => server.open === 0 && world.pool.size === 0)
  })
})
