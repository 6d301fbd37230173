import { Duplex } from 'node:stream'
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import { TestClient } from './support/test-client.ts'

/** Logs in and switches compression on; the client speaks through it. */
async function compressed(world: World): Promise<TestClient> {
  const client = await world.login()
  expect(await client.command('COMPRESS DEFLATE')).toEqual([expect.stringMatching(/OK Compression begins$/)])
  const { socket } = client
  socket.removeAllListeners('data')
  // The test's text decoder sits on the socket: the octets are taken below it.
  const inflate = createInflateRaw()
  const deflate = createDeflateRaw()
  socket.on('data', (text: string) => inflate.write(Buffer.from(text, 'latin1')))
  deflate.on('data', (octets: Buffer) => socket.write(octets))
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      deflate.write(chunk)
      deflate.flush(constants.Z_SYNC_FLUSH, () => done())
    },
  })
  inflate.on('data', (octets: Buffer) => stream.push(octets))
  // What was received is read to its end before the end is told.
  socket.on('close', () => inflate.end())
  inflate.on('close', () => stream.destroy()).on('error', () => {})
  return new TestClient(stream as never)
}

describe('COMPRESS=DEFLATE (RFC 4978)', () => {
  it('compresses both directions from the answer on, whatever is said', async () => {
    await using world = await imapWorld()
    const body = 'the same line again and again\r\n'.repeat(5_000)
    await world.deliver('INBOX', mail('large', body))
    const client = await compressed(world)
    await client.ok('SELECT INBOX')
    const fetched = (await client.ok('FETCH 1 BODY.PEEK[TEXT]')).join('\r\n')
    expect(fetched).toContain(body.slice(0, 1_000))
    expect(fetched.length).toBeGreaterThan(body.length)
    expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 1)'])
    client.send('a1 NOOP\r\na2 NOOP\r\na3 LOGOUT\r\n')
    expect(await client.answer('a2')).toEqual(['a1 OK Noop completed', 'a2 OK Noop completed'])
    expect(await client.answer('a3')).toHaveLength(2)
  })

  it('takes literals, and tells of what others do in IDLE', async () => {
    await using world = await imapWorld()
    const client = await compressed(world)
    await client.ok('SELECT INBOX')
    await client.ok('APPEND INBOX {6+}\r\nA: b\r\n')
    client.send('i IDLE\r\n')
    expect(await client.line()).toMatch(/^\+ /)
    await world.deliver('INBOX', mail('new'))
    expect(await client.line()).toBe('* 2 EXISTS')
  })

  it('is on once, and knows one mechanism', async () => {
    await using world = await imapWorld()
    const client = await compressed(world)
    expect(await client.command('COMPRESS DEFLATE')).toEqual([expect.stringMatching(/NO \[COMPRESSIONACTIVE\]/)])
    const plain = await world.login()
    expect(await plain.command('COMPRESS LZ4')).toEqual([expect.stringMatching(/NO \[CANNOT\]/)])
    expect(await plain.command('COMPRESS')).toEqual([expect.stringMatching(/BAD/)])
  })

  it('holds little of what inflates to very much, and says good-bye to it', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    await client.ok('COMPRESS DEFLATE')
    const { socket } = client
    const bomb = deflateRawSync(Buffer.alloc(200 * 1024 * 1024, 0x61))
    const before = process.memoryUsage().arrayBuffers
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.write(bomb)
    await closed
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024)
  })

  it('ends with what is no compression', async () => {
    await using world = await imapWorld()
    const client = await world.login()
    await client.ok('COMPRESS DEFLATE')
    const closed = new Promise((resolve) => client.socket.once('close', resolve))
    client.send('a1 NOOP\r\n\xff\xff\xff\xff')
    await closed
  })
})
