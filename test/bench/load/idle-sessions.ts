import { ImapClient } from './imap-client.ts'
import { messageText } from './message-text.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

/** Opens sessions that wait in IDLE; at `go` a message comes, and all of them must hear of it. */
export interface IdleJob extends Way {
  readonly user: string
  readonly password: string
  readonly sessions: number
  /** How long to wait for the last of them. */
  readonly patienceMs: number
}

export interface IdleResult {
  /** From the APPEND's OK to the last session that heard; the patience when not all did. */
  readonly lastMs: number
  readonly notified: number
  readonly openMs: number
}

/** Connections that are opened at once: a burst beyond the server's backlog would be turned away. */
const AT_ONCE = 20
/** Sessions from one source address; each address of 127.0.0.0/8 has ports of its own. */
const PER_ADDRESS = 5_000

if (import.meta.main) {
  await serveJob<IdleJob>(async (job, pause): Promise<IdleResult> => {
    const began = performance.now()
    const clients: ImapClient[] = []
    let next = 0
    const openSome = async () => {
      while (next < job.sessions) {
        const localAddress = `127.0.0.${2 + Math.floor(next++ / PER_ADDRESS)}`
        const client = await ImapClient.login({ ...job, localAddress }, job.user, job.password)
        await client.command('SELECT INBOX')
        await client.idle()
        clients.push(client)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, openSome))
    const openMs = performance.now() - began
    await pause()

    const writer = await ImapClient.login(job, job.user, job.password)
    let notified = 0
    let lastAt = 0
    const all = Promise.withResolvers<void>()
    for (const client of clients) {
      let heard = ''
      client.onData = (chunk) => {
        heard += chunk.toString('latin1')
        if (!/\* \d+ EXISTS/.test(heard)) return
        client.onData = () => {}
        notified++
        lastAt = performance.now()
        if (notified === clients.length) all.resolve()
      }
    }
    const message = messageText(1, 2_000)
    const appending = performance.now()
    await writer.command(Buffer.concat([Buffer.from(`APPEND INBOX {${message.length}+}\r\n`), message]))
    const timer = setTimeout(all.resolve, job.patienceMs)
    await all.promise
    clearTimeout(timer)
    for (const client of [...clients, writer]) client.close()
    return { lastMs: notified === clients.length ? lastAt - appending : job.patienceMs, notified, openMs }
  })
}
