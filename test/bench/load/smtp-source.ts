import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { findProgram } from '../../support/programs.ts'
import { DOMAIN } from '../system.ts'

export interface SmtpSourceJob {
  readonly port: number
  readonly messages: number
  readonly sessions: number
  /** Octets of the body. */
  readonly bytes: number
  /** All messages of a session over one connection; otherwise a connection a message. */
  readonly reuse: boolean
  /**
   * The recipient; or how many accounts take turns, from the first on: each message goes to the next.
   */
  readonly to: string | number
}

const TIMEOUT_MS = 300_000

/** Sends messages with Postfix's smtp-source. @throws Error with what it printed when one was not taken */
export async function smtpSource(job: SmtpSourceJob): Promise<void> {
  if (typeof job.to === 'string') return send(job, job.messages, job.to)
  // It numbers recipients from 1 on in each run.
  for (let left = job.messages; left > 0; left -= job.to) await send(job, Math.min(left, job.to), `u@${DOMAIN}`, ['-N'])
}

async function send(job: SmtpSourceJob, messages: number, to: string, more: readonly string[] = []): Promise<void> {
  const args = [
    ...(job.reuse ? ['-d'] : []),
    ...more,
    ...['-s', String(Math.min(job.sessions, messages)), '-m', String(messages), '-l', String(job.bytes)],
    ...['-f', 'sender@example.com', '-t', to, '-M', 'client.example.com', `127.0.0.1:${job.port}`],
  ]
  const child = spawn(findProgram('smtp-source') ?? 'smtp-source', args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  if (code !== 0) throw new Error(`smtp-source ended with ${code ?? signal}: ${output.slice(-500)}`)
}
