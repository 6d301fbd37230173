import { expect, test } from 'vitest'
import { eventually } from '../support/peer.ts'
import { EchoClient, world } from './test-server.ts'

test('a worker that crashes is replaced, and its plugins hear that it ended', async () => {
  await using w = await world()
  const server = await w.start()
  using client = await EchoClient.open(w.port)
  await client.say('crash')
  await eventually(() => client.isClosed)
  const { workers } = await eventually(async () => {
    const status = await server.status()
    return status.workers[0]?.state === 'running' && status
  })
  expect(workers).toMatchObject([{ number: 0, crashes: 1 }])
  using again = await EchoClient.open(w.port)
  expect(await again.say('x')).toBe('hello from 0: x')
  expect(w.life()).toEqual(['supervised hello', 'exited 0'])
  expect(w.log()).toContain('the plugin has a fault')
})

test('workers that crash again and again are reported', async () => {
  await using w = await world()
  const server = await w.start()
  for (let crash = 1; crash <= 3; crash++) {
    using client = await eventually(() => EchoClient.open(w.port).catch(() => undefined))
    client.socket.write('crash\n')
    await eventually(async () => (await server.status()).workers.some((worker) => worker.crashes === crash))
  }
  expect((await server.status()).problems).toEqual(['a worker has crashed 3 times in a row: the plugin has a fault'])
})

test('a replaced worker that finds another config in the file makes all workers follow', async () => {
  await using w = await world()
  const server = await w.start()
  w.configure({ echo: { greeting: 'changed' } })
  using client = await EchoClient.open(w.port)
  await client.say('crash')
  const status = await eventually(async () => {
    const now = await server.status()
    return now.generation === 2 && now.state === 'running' && now.workers.length === 1 && now
  })
  expect(status.problems).toEqual([])
  using after = await EchoClient.open(w.port)
  expect(await after.say('x')).toContain('changed')
})

test('a stop does not wait for a worker that is being replaced', async () => {
  await using w = await world()
  const server = await w.start()
  using client = await EchoClient.open(w.port)
  await client.say('crash')
  await eventually(() => client.isClosed)
  await server.stop()
})
