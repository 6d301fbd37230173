import { messageText } from './message-text.ts'
import { serveJob } from './serve-job.ts'
import { SmtpClient } from './smtp-client.ts'

/** Sends messages over connections that are reused, and times each from MAIL to the reply that says it is taken. */
export interface MessagesJob {
  readonly port: number
  /** STARTTLS, and AUTH PLAIN. */
  readonly login?: { readonly user: string; readonly password: string }
  /** Log in anew for each message, over a connection of its own. */
  readonly isFreshEach?: boolean
  readonly sessions: number
  readonly messages: number
  /** Messages that are sent before, and not timed: the first that a process sends wait for its own compiler. */
  readonly untimed?: number
  readonly bytes: number
  readonly from: string
  readonly to: string
}

export interface MessagesResult {
  readonly ms: number
  /** Of each message, milliseconds from MAIL on. */
  readonly latencies: readonly number[]
  /** Of each message, milliseconds from its end on: what the commit takes. */
  readonly commits: readonly number[]
}

if (import.meta.main) await serveJob(sendMessages)

async function sendMessages(job: MessagesJob): Promise<MessagesResult> {
  const text = messageText(1, job.bytes).toString('latin1')
  // A submitted message must be from whom it says.
  const message = Buffer.from(text.replace(/^From: .*$/m, `From: <${job.from}>`), 'latin1')
  const latencies: number[] = []
  const commits: number[] = []
  const connect = async () => {
    const client = await SmtpClient.connect(job.port, { startTls: job.login !== undefined })
    if (job.login !== undefined) await client.login(job.login.user, job.login.password)
    return client
  }
  let left = 0
  const work = async (kept: SmtpClient | undefined) => {
    while (left-- > 0) {
      const began = performance.now()
      const client = kept ?? (await connect())
      commits.push(await client.send(job.from, job.to, message))
      latencies.push(performance.now() - began)
      if (kept === undefined) client.close()
    }
  }
  const sessions = Math.min(job.sessions, job.messages)
  const clients = await Promise.all(
    Array.from({ length: sessions }, async () => (job.isFreshEach ? undefined : connect())),
  )
  left = job.untimed ?? 0
  await Promise.all(clients.map(work))
  latencies.length = 0
  commits.length = 0
  left = job.messages
  const began = performance.now()
  await Promise.all(clients.map(work))
  const ms = performance.now() - began
  for (const client of clients) client?.close()
  return { ms, latencies, commits }
}
