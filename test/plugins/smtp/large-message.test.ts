import { once } from 'node:events'
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { level } from 'mailserver/plugins/level'
import { expect, it } from 'vitest'
import { startWorld } from './support/world.ts'

const MB = 1024 * 1024
const LINE = `${'x'.repeat(76)}\r\n`
const PIECE = Buffer.from(LINE.repeat(Math.floor((64 * 1024) / LINE.length)))
const MESSAGE_BYTES = 50 * MB
const LOOK_EVERY = 5 * MB
/** The stream buffers of a socket on both sides, a segment's window, and what a test runner does meanwhile. */
const BOUND = 12 * MB

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What is in use after a collection: garbage does not count. */
function inUse(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

it('holds a bounded window of a message of 50 MB', { timeout: 60_000 }, async () => {
  await using world = await startWorld({ storage: level(), messageBytes: MESSAGE_BYTES + MB })
  const socket = connect(world.port('smtp'), '127.0.0.1')
  await once(socket, 'connect')
  let replies = ''
  socket.on('data', (chunk: Buffer) => {
    replies += chunk.toString()
  })
  const answered = async (pattern: RegExp) => {
    while (!pattern.test(replies)) await once(socket, 'data')
  }
  socket.write('EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n')
  await answered(/^354 /m)
  socket.write('Subject: large\r\n\r\n')
  const before = inUse()
  let most = 0
  for (let sent = 0, looked = 0; sent < MESSAGE_BYTES; sent += PIECE.length) {
    if (!socket.write(PIECE)) await once(socket, 'drain')
    if (sent - looked < LOOK_EVERY) continue
    looked = sent
    most = Math.max(most, inUse() - before)
  }
  socket.write('.\r\nQUIT\r\n')
  await answered(/^250 2\.0\.0 Accepted/m)
  socket.destroy()
  expect(most).toBeLessThan(BOUND)
  expect(inUse() - before).toBeLessThan(BOUND)
})
