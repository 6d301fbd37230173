import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { RestartPace } from '../../src/server/restart-pace.ts'
import { fakeClock } from '../../src/testing/index.ts'
import { eventually } from '../support/peer.ts'
import { EchoClient, world } from './test-server.ts'

test('a part on the main thread that cannot go on has everything opened anew', async () => {
  await using w = await world()
  const server = await w.start()
  using client = await EchoClient.open(w.port)
  await client.say('restart')
  await eventually(() => client.isClosed)
  expect(client.received).toContain('bye')
  const status = await eventually(async () => {
    const now = await server.status()
    return now.generation === 2 && now.state === 'running' && now
  })
  expect(status.problems).toEqual([])
  using again = await EchoClient.open(w.port)
  expect(await again.say('x')).toBe('hello from 0: x')
  expect(w.life()).toEqual(['supervised hello', 'exited 0', 'released hello', 'supervised hello'])
  expect(w.log()).toContain('the handle is stale')
})

test('a restart that fails is tried again, and the status says why', async () => {
  await using w = await world()
  const server = await w.start()
  using client = await EchoClient.open(w.port)
  const obstacle = join(w.dataDir, 'no-handle')
  writeFileSync(obstacle, '')
  await client.say('restart')
  const { state, problems } = await eventually(async () => {
    const now = await server.status()
    return now.problems.some((problem) => problem.includes('the last attempt failed')) && now
  })
  expect(state).toBe('restarting')
  expect(problems).toEqual([
    expect.stringMatching(/the handle is stale; the last attempt failed: .*the handle cannot be opened/),
  ])
  rmSync(obstacle)
  await eventually(async () => (await server.status()).state === 'running')
  using again = await EchoClient.open(w.port)
  expect(await again.say('x')).toBe('hello from 0: x')
})

test('the status says what a part on the main thread wants to be looked at', async () => {
  await using w = await world()
  const server = await w.start()
  expect((await server.status()).problems).toEqual([])
  writeFileSync(join(w.dataDir, 'problem'), '')
  expect((await server.status()).problems).toEqual(['the handle is loose'])
})

test('a stop ends the attempts', async () => {
  await using w = await world()
  const server = await w.start()
  using client = await EchoClient.open(w.port)
  writeFileSync(join(w.dataDir, 'no-handle'), '')
  await client.say('restart')
  await eventually(async () => (await server.status()).state === 'restarting')
  await server.stop()
  await server.ended
})

test('restarts in a row wait longer each time, until one has gone well for a while', async () => {
  const clock = fakeClock()
  const pace = new RestartPace(clock)
  expect([pace.next(), pace.next(), pace.next(), pace.next()]).toEqual([0, 1_000, 2_000, 4_000])
  await clock.advance(700_000)
  expect(pace.next()).toBe(0)
})
