import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { PeerGone, ReplyWriter } from '../../src/net/reply-writer.ts'
import { eventually } from '../support/peer.ts'
import { manualClock } from './manual-clock.ts'

const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

async function pair(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const client = connect((listener.address() as { port: number }).port, '127.0.0.1')
  const [server] = (await once(listener, 'connection')) as [Socket]
  listener.close()
  open.push(client, server)
  return { client, server }
}

describe('ReplyWriter', () => {
  test('sends small replies together, when told to', async () => {
    const { client, server } = await pair()
    const chunks: string[] = []
    client.on('data', (chunk) => chunks.push(chunk.toString()))
    const writer = new ReplyWriter(server, { clock: manualClock(), stallTimeoutMs: 1000 })
    for (let at = 0; at < 100; at++) await writer.write('+OK\r\n')
    expect(server.bytesWritten).toBe(0)
    await writer.flush()
    await eventually(() => chunks.join('') === '+OK\r\n'.repeat(100))
    expect(chunks.length).toBeLessThan(5)
  })

  test('cuts off a peer that never reads, and holds one buffer for it', async () => {
    const { client, server } = await pair()
    client.pause()
    const clock = manualClock()
    const writer = new ReplyWriter(server, { clock, stallTimeoutMs: 1000 })
    const chunk = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    const writing = (async () => {
      for (;;) {
        await writer.write(chunk)
        written += chunk.length
      }
    })()
    const outcome = expect(writing).rejects.toThrow(PeerGone)
    let before = -1
    await eventually(async () => {
      const same = written === before
      before = written
      await new Promise((resolve) => setTimeout(resolve, 100))
      return same && clock.pending > 0
    })
    expect(server.writableLength).toBeLessThan(1024 * 1024)
    clock.advance(1001)
    await outcome
    expect(server.destroyed).toBe(true)
  })

  test('says that the peer has left', async () => {
    const { client, server } = await pair()
    client.resetAndDestroy()
    await once(server, 'close').catch(() => {})
    const writer = new ReplyWriter(server, { clock: manualClock(), stallTimeoutMs: 1000 })
    await writer.write('+OK\r\n')
    await expect(writer.flush()).rejects.toThrow(PeerGone)
    await writer.close()
  })

  test('delivers the last reply to a peer that is still sending', async () => {
    const { client, server } = await pair()
    client.write('x'.repeat(100_000))
    let text = ''
    client.on('data', (chunk) => {
      text += chunk
    })
    const writer = new ReplyWriter(server, { clock: manualClock(), stallTimeoutMs: 1000 })
    await writer.write('-ERR enough\r\n')
    await Promise.all([writer.close(), once(client, 'close')])
    expect(text).toBe('-ERR enough\r\n')
  })

  test('closes on a peer that keeps its side open', async () => {
    const { client, server } = await pair()
    client.allowHalfOpen = true
    client.on('data', () => {})
    const clock = manualClock()
    const writer = new ReplyWriter(server, { clock, stallTimeoutMs: 1000 })
    const closed = writer.close()
    await eventually(() => clock.pending > 0)
    expect(server.destroyed).toBe(false)
    clock.advance(60_000)
    await closed
    expect(server.destroyed).toBe(true)
  })
})
