import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type TLSSocket } from 'node:tls'
import { serveJob } from './serve-job.ts'

/** An IMAP server that knows no mail: it answers with what was recorded, as fast as it can. */
export interface ReplayJob {
  readonly port: number
  readonly certFile: string
  readonly keyFile: string
  /** A recorded response to each command, by the word it begins with; all others are completed at once. */
  readonly responses: Readonly<Record<string, string>>
}

const PIECE_BYTES = 1_000_000

if (import.meta.main) {
  await serveJob<ReplayJob>(async (job, pause) => {
    const responses = new Map(Object.entries(job.responses).map(([word, file]) => [word, withoutCompletion(file)]))
    const server = createServer({ cert: readFileSync(job.certFile), key: readFileSync(job.keyFile) }, (socket) =>
      answer(socket, responses),
    )
    await new Promise<void>((resolve) => server.listen(job.port, '127.0.0.1', resolve))
    await pause()
    server.close()
    return {}
  })
}

function answer(socket: TLSSocket, responses: ReadonlyMap<string, Buffer>): void {
  socket.setNoDelay(true)
  socket.on('error', () => socket.destroy())
  socket.write('* OK ready\r\n')
  let text = ''
  let sending = Promise.resolve()
  socket.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString('latin1')).split('\r\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      const [tag = '', word = ''] = line.split(' ')
      sending = sending.then(() => send(socket, responses.get(word), tag))
    }
  })
}

/** In pieces, as far as the peer takes them: one large write would be encrypted as a whole first. */
async function send(socket: TLSSocket, recorded: Buffer | undefined, tag: string): Promise<void> {
  const completion = Buffer.from(`${tag} OK done\r\n`)
  const last = recorded === undefined ? 0 : Math.floor(recorded.length / PIECE_BYTES) * PIECE_BYTES
  for (let at = 0; recorded !== undefined && at < last; at += PIECE_BYTES) {
    if (!socket.write(recorded.subarray(at, at + PIECE_BYTES))) await once(socket, 'drain')
  }
  socket.write(recorded === undefined ? completion : Buffer.concat([recorded.subarray(last), completion]))
}

/** What was recorded ends with the completion of another tag. */
function withoutCompletion(file: string): Buffer {
  const content = readFileSync(file)
  return content.subarray(0, content.lastIndexOf('\r\n', content.length - 3) + 2)
}
