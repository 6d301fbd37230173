import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { lockHolder, takeLock } from '../../src/control/data-lock.ts'
import { eventually } from '../support/peer.ts'
import { control, EchoClient, world } from './test-server.ts'

describe('a start', () => {
  test('resolves when everything listens, in a directory that is ours alone', async () => {
    await using w = await world()
    const server = await w.start()
    using client = await EchoClient.open(w.port)
    expect(await client.say('x')).toBe('hello from 0: x')
    expect(statSync(w.dataDir).mode & 0o777).toBe(0o700)
    expect(statSync(server.socketPath).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(w.dataDir, 'mailserver.pid'), 'utf8').trim()).toBe(String(process.pid))
    expect(await server.status()).toMatchObject({
      state: 'running',
      pid: process.pid,
      generation: 1,
      workers: [{ number: 0, state: 'running', sessions: 1 }],
      listeners: [{ protocol: 'echo', address: expect.stringContaining(String(w.port)), connections: 1 }],
      sessions: { echo: 1 },
      queue: null,
    })
  })

  test('runs the number of workers of the config, and each port in all of them', async () => {
    await using w = await world()
    w.configure({ config: 'workers: 3' })
    const server = await w.start()
    const { workers, listeners } = await server.status()
    expect(workers.map(({ number }) => number).toSorted()).toEqual([0, 1, 2])
    expect(listeners).toHaveLength(1)
  })

  test('is refused while a server runs on the same data directory', async () => {
    await using w = await world()
    await w.start()
    await expect(w.start()).rejects.toMatchObject({
      name: 'UserError',
      message: `A server is running on ${w.dataDir} already, as process ${process.pid}.`,
      nextSteps: expect.arrayContaining(['Stop it with: mailserver stop']),
    })
  })

  test('is refused when a port is listened on twice, with TLS or without', async () => {
    await using w = await world()
    const endpoint = `127.0.0.1:${w.port}`
    w.configure({ echo: { listen: [endpoint, `tls://${endpoint}`] } })
    await expect(w.start()).rejects.toMatchObject({
      name: 'UserError',
      message: `${endpoint} is listened on twice: by echo (${endpoint}) and by echo (tls://${endpoint}).`,
    })
    w.configure({ echo: { listen: ['127.0.0.1:0', '127.0.0.1:0'] } })
    expect((await (await w.start()).status()).listeners).toHaveLength(2)
  })

  test('takes over what a server left that was killed', async () => {
    await using w = await world()
    mkdirSync(w.dataDir, { recursive: true })
    const dead = { pid: process.pid, role: 'server', identity: 'another boot:1', since: 0 }
    writeFileSync(join(w.dataDir, 'mailserver.lock'), JSON.stringify(dead))
    writeFileSync(join(w.dataDir, 'mailserver.pid'), '1\n')
    writeFileSync(join(w.dataDir, 'control.sock'), '')
    const server = await w.start()
    expect((await control(server, 'GET', '/status')).status).toBe(200)
  })

  test.each([
    ['setup', 'echo did not set up: the setting makes no sense.', /Correct the options of echo/],
    ['start', 'echo did not start: the gateway refuses us.', /Renew the token/],
    ['supervise', 'echo did not start: the handle cannot be opened.', /Correct the options of echo/],
  ])('that a plugin fails in %s ends, and says which, why and what to change', async (fail, message, step) => {
    await using w = await world()
    w.configure({ echo: { fail } })
    await expect(w.start()).rejects.toMatchObject({
      name: 'UserError',
      message,
      nextSteps: [expect.stringMatching(step)],
    })
    expect(lockHolder(w.dataDir)).toBeUndefined()
    w.configure()
    await w.start()
  })

  test('in which a worker thread dies says what killed it', async () => {
    await using w = await world()
    w.configure({ echo: { fail: 'crash' } })
    await expect(w.start()).rejects.toThrow(/fault|echo did not start/)
    expect(lockHolder(w.dataDir)).toBeUndefined()
  })

  test('names a port that another process has', async () => {
    await using w = await world()
    const other = createServer().listen(w.port, '127.0.0.1')
    await expect(w.start()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining(`127.0.0.1:${w.port} is in use`),
    })
    other.close()
  })

  test('names a data directory that cannot be used', async () => {
    await using w = await world()
    writeFileSync(w.dataDir, 'a file')
    await expect(w.start()).rejects.toMatchObject({
      name: 'UserError',
      message: expect.stringContaining(`${w.dataDir} cannot be used: it is a file`),
    })
  })

  test('waits for a command that is at work in the store', async () => {
    await using w = await world()
    mkdirSync(w.dataDir)
    const lock = takeLock(w.dataDir, 'command')
    const starting = w.start()
    if ('release' in lock) setTimeout(() => lock.release(), 100)
    await starting
  })

  test('puts the control socket elsewhere when the path is too long for one', async () => {
    await using w = await world('d'.repeat(120))
    const server = await w.start()
    expect(server.socketPath.length).toBeLessThan(104)
    expect(readFileSync(join(w.dataDir, 'control.path'), 'utf8')).toBe(server.socketPath)
    expect((await control(server, 'GET', '/status')).status).toBe(200)
    await server.stop()
    expect(existsSync(server.socketPath)).toBe(false)
  })
})

describe('a stop', () => {
  test('leaves nothing behind but the data', async () => {
    await using w = await world()
    const server = await w.start()
    const { socketPath } = server
    await server.stop()
    await server.ended
    expect(existsSync(socketPath)).toBe(false)
    expect(existsSync(join(w.dataDir, 'mailserver.pid'))).toBe(false)
    expect(lockHolder(w.dataDir)).toBeUndefined()
    expect(w.life()).toEqual(['supervised hello', 'exited 0', 'released hello'])
  })

  test('waits for work in hand, and ends idle sessions at once', async () => {
    await using w = await world()
    w.configure({ config: "limits: { drain: '20s' }" })
    const server = await w.start()
    using busy = await EchoClient.open(w.port)
    using idle = await EchoClient.open(w.port)
    await busy.say('busy')
    await idle.say('x')
    const stopping = server.stop()
    await eventually(() => idle.isClosed)
    expect(busy.isClosed).toBe(false)
    await busy.say('done')
    await stopping
  })

  test('cuts what is still at work at the deadline', async () => {
    await using w = await world()
    const server = await w.start()
    using busy = await EchoClient.open(w.port)
    await busy.say('busy')
    const started = performance.now()
    await server.stop()
    expect(performance.now() - started).toBeGreaterThan(350)
    await eventually(() => busy.isClosed)
    expect(busy.received).toContain('bye')
  })

  test('asked for a second time with no drain does not wait any longer', async () => {
    await using w = await world()
    w.configure({ config: "limits: { drain: '60s' }" })
    const server = await w.start()
    using busy = await EchoClient.open(w.port)
    await busy.say('busy')
    const stopping = server.stop()
    void server.stop({ drain: false })
    await stopping
  })

  test('by the control socket answers first', async () => {
    await using w = await world()
    const server = await w.start()
    expect(await control(server, 'POST', '/stop', {})).toEqual({ status: 200, text: `{"pid":${process.pid}}` })
    await server.ended
  })
})
