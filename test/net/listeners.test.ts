import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors/user-error.ts'
import type { Host } from '../../src/kernel/host.ts'
import { type Accepted, type ListenRequest, listeners } from '../../src/net/listeners.ts'
import { eventually, freePort, run, scratch } from '../support/peer.ts'
import { startNetHost } from './net-host.ts'

let dir: ReturnType<typeof scratch>
let host: Host & AsyncDisposable
let clients: Socket[]
beforeEach(async () => {
  dir = scratch('listeners')
  clients = []
  host = await startNetHost({ dataDir: dir.path, net: { reusePort: true } })
})
afterEach(async () => {
  for (const client of clients) client.destroy()
  await host.stop()
  dir[Symbol.dispose]()
})

const GREETING = '+OK hello\r\n'
const request = (limits: Partial<ListenRequest['limits']>, more: Partial<ListenRequest> = {}): ListenRequest => ({
  protocol: 'test',
  endpoints: ['127.0.0.1:0'],
  limits: { maxConnections: 100, maxPerAddress: 1000, handshakeTimeoutMs: 2_000, ...limits },
  onConnection: ({ socket }: Accepted) => {
    socket.resume()
    socket.write(GREETING)
  },
  refusal: (reason) => `-ERR [SYS/TEMP] too many connections (${reason})\r\n`,
  ...more,
})

async function open(more: ListenRequest) {
  const opened = await host.service(listeners).listen(more)
  return { ...opened, opened, port: opened.endpoints[0]?.port as number }
}

/** A client that keeps its connection, and what it was told. */
function client(port: number, localAddress?: string): { socket: Socket; text: () => string } {
  const socket = connect({ port, host: '127.0.0.1', ...(localAddress !== undefined && { localAddress }) })
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk
  })
  socket.on('error', () => {})
  clients.push(socket)
  return { socket, text: () => text }
}

describe('limits', () => {
  test('of 1,000 connections at once serve 100, tell the others why not, and serve again when those leave', async () => {
    const { port, opened } = await open(request({ maxConnections: 100 }))
    const many = Array.from({ length: 1000 }, () => client(port))
    const served = () => many.filter(({ text }) => text() === GREETING)
    await eventually(() => served().length + many.filter(({ socket }) => socket.destroyed).length === 1000)
    expect(served()).toHaveLength(100)
    expect(opened.connections).toBe(100)
    const refused = many.filter(({ text }) => text().includes('too many connections (total)'))
    expect(refused.length).toBeGreaterThan(50)
    expect(refused.length + served().length).toBeLessThanOrEqual(1000)

    for (const { socket } of served()) socket.destroy()
    await eventually(() => opened.connections === 0)
    expect(host.service(listeners).list()).toMatchObject([{ protocol: 'test', connections: 0 }])
    const late = client(port)
    await eventually(() => late.text() === GREETING)
  })

  test('keep one address from taking every place', async () => {
    const { port } = await open(request({ maxPerAddress: 2 }))
    const greedy = Array.from({ length: 4 }, () => client(port))
    await eventually(() => greedy.every(({ text }) => text() !== ''))
    expect(greedy.filter(({ text }) => text().includes('(address)'))).toHaveLength(2)
    const other = client(port, '127.0.0.2')
    await eventually(() => other.text() === GREETING)
  })

  test('refuse in silence when the protocol cannot say why', async () => {
    const refusal = () => {
      throw new Error('a fault')
    }
    const { port } = await open(request({ maxConnections: 1 }, { refusal }))
    const first = client(port)
    await eventually(() => first.text() === GREETING)
    const second = client(port)
    await once(second.socket, 'close')
    expect(second.text()).toBe('')
  })

  test('are given back by connections that are reset, a thousand times over', async () => {
    const { port, opened } = await open(request({ maxConnections: 50 }))
    for (let round = 0; round < 20; round++) {
      const storm = Array.from({ length: 50 }, () => client(port))
      await Promise.all(storm.map(({ socket }) => once(socket, 'connect')))
      for (const { socket } of storm) socket.resetAndDestroy()
    }
    await eventually(() => opened.connections === 0)
    const late = client(port)
    await eventually(() => late.text() === GREETING)
  })
})

describe('a connection', () => {
  test('whose handler throws or rejects is closed, and the next is served', async () => {
    const faults = [
      () => {
        throw new Error('a fault')
      },
      async () => {
        throw new Error('an async fault')
      },
    ]
    const { port, opened } = await open(
      request({}, { onConnection: (accepted) => (faults.shift() ?? request({}).onConnection)(accepted as never) }),
    )
    for (let at = 0; at < 2; at++) await once(client(port).socket, 'close')
    const third = client(port)
    await eventually(() => third.text() === GREETING)
    expect(opened.connections).toBe(1)
  })

  test('goes on when its port is closed, and ends when the plugin stops', async () => {
    const { port, opened } = await open(request({}))
    const one = client(port)
    await eventually(() => one.text() === GREETING)
    await opened.close()
    expect(host.service(listeners).list()).toEqual([])
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow(/ECONNREFUSED/)
    expect(one.socket.destroyed).toBe(false)
    await Promise.all([host.stop(), once(one.socket, 'close')])
  })
})

describe('an endpoint that cannot be had', () => {
  test('in use: names it and says how to find who has it', async () => {
    const port = await freePort()
    const holder = createServer().listen(port, '127.0.0.1')
    await once(holder, 'listening')
    const failed = await open(request({}, { endpoints: ['127.0.0.1:0', `127.0.0.1:${port}`] })).catch((err) => err)
    holder.close()
    expect(failed).toBeInstanceOf(UserError)
    expect(failed.message).toContain(`127.0.0.1:${port} is in use`)
    expect(failed.nextSteps.join()).toContain(`sport = :${port}`)
    // All or nothing: the first endpoint was closed again.
    expect(host.service(listeners).list()).toEqual([])
  })

  test('not permitted: says what permits it', async () => {
    const isRoot = process.getuid?.() === 0
    if (isRoot) process.seteuid?.(65534)
    const failed = await open(request({}, { endpoints: ['127.0.0.1:25'] })).catch((err) => err)
    if (isRoot) process.seteuid?.(0)
    expect(failed).toBeInstanceOf(UserError)
    expect(failed.message).toContain('127.0.0.1:25: permission denied')
    expect(failed.nextSteps.join()).toContain('cap_net_bind_service')
  })

  test('an address of another machine', async () => {
    await expect(open(request({}, { endpoints: ['192.0.2.1:0'] }))).rejects.toThrow(/no such address/)
  })

  test('a directory that does not exist', async () => {
    const path = join(dir.path, 'missing', 'x.sock')
    await expect(open(request({}, { endpoints: [`unix:${path}`] }))).rejects.toThrow(/missing does not exist/)
  })
})

describe('a unix socket', () => {
  test('serves, has no limit per address, and leaves with its listener', async () => {
    const path = join(dir.path, 'x.sock')
    const seen: Accepted[] = []
    const { opened } = await open(
      request(
        { maxPerAddress: 1 },
        { endpoints: [`unix:${path}`], onConnection: (accepted) => void seen.push(accepted) },
      ),
    )
    clients.push(connect(path), connect(path))
    await eventually(() => seen.length === 2)
    expect(seen[0]?.connection).toMatchObject({ remoteAddress: '127.0.0.1', remotePort: 0 })
    await opened.close()
    expect(existsSync(path)).toBe(false)
  })

  test('is taken over from an older worker of this process, whose end does not take it away', async () => {
    const path = join(dir.path, 'x.sock')
    const worker = new Worker(join(import.meta.dirname, 'unix-worker.ts'), {
      workerData: { path, dataDir: dir.path },
      execArgv: ['--conditions=source'],
    })
    await once(worker, 'message')
    const greetings = async () => String((await once(connect(path).unref(), 'data'))[0])
    expect(await greetings()).toBe('older\r\n')
    const { opened } = await open(request({}, { endpoints: [`unix:${path}`] }))
    expect(await greetings()).toBe(GREETING)
    worker.postMessage('close')
    await once(worker, 'exit')
    expect(await greetings()).toBe(GREETING)
    expect(readdirSync(dir.path).filter((name) => name.startsWith('x.sock'))).toEqual(['x.sock'])
    await opened.close()
    expect(existsSync(path)).toBe(false)
  })

  test('is not taken over within one worker', async () => {
    const path = join(dir.path, 'x.sock')
    await open(request({}, { endpoints: [`unix:${path}`] }))
    await expect(open(request({}, { endpoints: [`unix:${path}`] }))).rejects.toThrow(/in use/)
  })

  test('that a crash left behind is replaced', async () => {
    const path = join(dir.path, 'x.sock')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    await run(process.execPath, ['-e', script])
    expect(existsSync(path)).toBe(true)
    await open(request({}, { endpoints: [`unix:${path}`] }))
    const socket = connect(path)
    clients.push(socket)
    await once(socket, 'connect')
  })

  test('that another process answers on is left alone, and so is a file', async () => {
    const path = join(dir.path, 'x.sock')
    const holder = createServer().listen(path)
    await once(holder, 'listening')
    await expect(open(request({}, { endpoints: [`unix:${path}`] }))).rejects.toThrow(/in use/)
    holder.close()
    const file = join(dir.path, 'notes.txt')
    writeFileSync(file, 'mine')
    await expect(open(request({}, { endpoints: [`unix:${file}`] }))).rejects.toThrow(/is a file/)
    expect(existsSync(file)).toBe(true)
  })
})
