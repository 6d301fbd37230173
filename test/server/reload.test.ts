import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { eventually, freePort } from '../support/peer.ts'
import { control, EchoClient, world } from './test-server.ts'

test('a reload serves the new config, and keeps a session of the old one open', async () => {
  await using w = await world()
  const server = await w.start()
  using before = await EchoClient.open(w.port)
  expect(await before.say('a')).toBe('hello from 0: a')

  w.configure({ echo: { greeting: 'welcome' } })
  expect(await server.reload()).toEqual({ generation: 2 })
  using after = await EchoClient.open(w.port)
  expect(await after.say('b')).toBe('welcome from 1: b')
  expect(await before.say('c')).toBe('hello from 0: c')

  const { workers, sessions } = await server.status()
  expect(workers.map(({ generation, state }) => [generation, state])).toEqual([
    [2, 'running'],
    [1, 'draining'],
  ])
  expect(sessions).toEqual({ echo: 2 })

  before.socket.end()
  await eventually(async () => (await server.status()).workers.length === 1)
  expect(w.life()).toEqual(['supervised hello', 'supervised welcome', 'exited 0', 'released hello'])
  expect(await after.say('d')).toBe('welcome from 1: d')
})

test('a reload loses no connection that is made while it happens', async () => {
  await using w = await world()
  w.configure({ config: 'workers: 2' })
  const server = await w.start()
  let isOver = false
  const reloading = server.reload().finally(() => {
    isOver = true
  })
  let connections = 0
  while (!isOver) {
    using client = await EchoClient.open(w.port)
    expect(await client.say('x')).toMatch(/^hello from \d: x$/)
    connections++
  }
  await reloading
  expect(connections).toBeGreaterThan(5)
})

test('a plugin that stays the same keeps its part on the main thread', async () => {
  await using w = await world()
  const server = await w.start()
  await server.reload()
  await eventually(() => w.life().includes('exited 0'))
  expect(w.life()).toEqual(['supervised hello', 'exited 0'])
})

test('a second reload ends the sessions of the one before, at the deadline of a drain', async () => {
  await using w = await world()
  const server = await w.start()
  using first = await EchoClient.open(w.port)
  await first.say('busy')
  await server.reload()
  expect(first.isClosed).toBe(false)
  await server.reload()
  await eventually(() => first.isClosed)
  await eventually(async () => (await server.status()).workers.length === 1)
})

test.each([
  ['cannot be evaluated', "throw new Error('not today')", /Error: not today/],
  ['is wrong', "export default { hostname: '-', domains: [], plugins: [] }", /hostname: expected a host name/],
])('a config that %s leaves the old one running and says why', async (_, text, message) => {
  await using w = await world()
  const server = await w.start()
  const good = readFileSync(w.configFile, 'utf8')
  writeFileSync(w.configFile, text)
  const answer = await control(server, 'POST', '/reload')
  expect(answer.status).toBe(422)
  expect(answer.text).toMatch(message)
  expect(answer.text).toContain(w.configFile)
  using client = await EchoClient.open(w.port)
  expect(await client.say('x')).toBe('hello from 0: x')
  expect((await server.status()).problems.join()).toMatch(/the last reload failed/)

  writeFileSync(w.configFile, good)
  await server.reload()
  expect((await server.status()).problems).toEqual([])
})

test.each(['setup', 'start', 'supervise'])('a plugin that fails in %s leaves the old workers running', async (fail) => {
  await using w = await world()
  const server = await w.start()
  w.configure({ echo: { fail } })
  await expect(server.reload()).rejects.toThrow(/echo did not/)
  using client = await EchoClient.open(w.port)
  expect(await client.say('x')).toBe('hello from 0: x')
  expect(await server.status()).toMatchObject({ state: 'running', workers: [{ generation: 1 }] })
})

test('a reload refuses to move the data directory', async () => {
  await using w = await world()
  const server = await w.start()
  w.configure({ config: "dataDir: 'elsewhere'" })
  await expect(server.reload()).rejects.toMatchObject({ nextSteps: [expect.stringContaining('restart')] })
})

test('a reload that takes a port of another process is refused', async () => {
  await using w = await world()
  const server = await w.start()
  const port = await freePort()
  const other = createServer().listen(port, '127.0.0.1')
  w.configure({ echo: { listen: `127.0.0.1:${port}` } })
  await expect(server.reload()).rejects.toThrow(/is in use/)
  other.close()
})
