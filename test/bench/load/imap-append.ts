import { ImapClient } from './imap-client.ts'
import { messageText } from './message-text.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

export interface AppendJob extends Way {
  readonly user: string
  readonly password: string
  readonly mailbox: string
  /** The first message's number, and how many there are over all connections. */
  readonly first: number
  readonly messages: number
  readonly bytes: number
  readonly connections: number
  /** Messages of one APPEND command (RFC 3502). */
  readonly batch: number
}

export interface AppendResult {
  readonly ms: number
}

if (import.meta.main) await serveJob(append)

async function append(job: AppendJob): Promise<AppendResult> {
  const clients = await Promise.all(
    Array.from({ length: job.connections }, () => ImapClient.login(job, job.user, job.password)),
  )
  const began = performance.now()
  let next = job.first
  const end = job.first + job.messages
  const work = async (client: ImapClient) => {
    while (next < end) {
      const from = next
      next = Math.min(end, from + job.batch)
      await client.command(appendText(job, from, next))
    }
  }
  await Promise.all(clients.map(work))
  const ms = performance.now() - began
  for (const client of clients) client.close()
  return { ms }
}

/** With literals that need no go-ahead (RFC 7888). A part of the messages is seen, so that searches by flag have work. */
function appendText({ mailbox, bytes }: AppendJob, from: number, to: number): Buffer {
  const parts: Buffer[] = [Buffer.from(`APPEND ${mailbox}`)]
  for (let n = from; n < to; n++) {
    const message = messageText(n, bytes)
    const flags = n % 4 === 0 ? '()' : '(\\Seen)'
    parts.push(Buffer.from(` ${flags} "${internalDate(n)}" {${message.length}+}\r\n`), message)
  }
  return Buffer.concat(parts)
}

function internalDate(n: number): string {
  const [, day, month, year, time] = new Date(Date.UTC(2025, 0, 1) + n * 60_000).toUTCString().split(' ')
  return `${day}-${month}-${year} ${time} +0000`
}
