import { ImapClient } from './imap-client.ts'
import { Pop3Client } from './pop3-client.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

export interface LoginsJob extends Way {
  readonly protocol: 'imap' | 'pop3'
  readonly user: string
  readonly password: string
  /** Each session logs in, opens the mailbox and logs out again; so many at once. */
  readonly parallel: number
  /** Milliseconds that are counted, after a tenth of it that is not. */
  readonly ms: number
}

export interface LoginsResult {
  readonly sessions: number
  readonly ms: number
}

if (import.meta.main) await serveJob(logins)

async function logins(job: LoginsJob): Promise<LoginsResult> {
  const once = job.protocol === 'imap' ? imapSession : pop3Session
  const loop = async (until: number) => {
    let sessions = 0
    while (performance.now() < until) {
      await once(job)
      sessions++
    }
    return sessions
  }
  const round = async (ms: number) => {
    const began = performance.now()
    const counts = await Promise.all(Array.from({ length: job.parallel }, () => loop(began + ms)))
    return { sessions: counts.reduce((sum, count) => sum + count, 0), ms: performance.now() - began }
  }
  await round(job.ms / 10)
  return round(job.ms)
}

async function imapSession(job: LoginsJob): Promise<void> {
  const client = await ImapClient.login(job, job.user, job.password)
  await client.command('SELECT INBOX')
  await client.command('LOGOUT')
  client.close()
}

async function pop3Session(job: LoginsJob): Promise<void> {
  const client = await Pop3Client.login(job, job.user, job.password)
  await client.command('STAT')
  await client.command('QUIT')
  client.close()
}
