import { ImapClient } from './imap-client.ts'
import { serveJob } from './serve-job.ts'
import type { Way } from './tls-connection.ts'

/** A thing to do and to time. In `text`, `{n}` stands for the number of the turn. */
export interface Step {
  readonly key: string
  readonly text: string
  /**
   * `whole`: the command as it is, `times` times over, each timed. `each`: once for each number from `from` to `to`, waiting
   * every time; `pipeline`: the same without waiting. Both are timed as a whole.
   */
  readonly kind: 'whole' | 'each' | 'pipeline'
  readonly times?: number
  readonly from?: number
  readonly to?: number
  /** Untagged FETCH responses, or hits of a SEARCH, that must come. Looked at in a turn that is not timed. */
  readonly expect?: { readonly what: 'fetch' | 'search'; readonly atLeast: number }
  /** Write the response of the turn that is not timed into this file. */
  readonly record?: string
}

export interface StepsJob extends Way {
  readonly user: string
  readonly password: string
  /** Before anything is timed. */
  readonly before: readonly string[]
  readonly steps: readonly Step[]
  /** Afterwards: what puts things back. */
  readonly after?: readonly string[]
}

/** Milliseconds of each timed turn, and the octets of the last, by key. */
export interface StepsResult {
  readonly timesMs: Readonly<Record<string, readonly number[]>>
  readonly octets: Readonly<Record<string, number>>
}

if (import.meta.main) await serveJob(runSteps)

async function runSteps(job: StepsJob): Promise<StepsResult> {
  const client = await ImapClient.login(job, job.user, job.password)
  for (const text of job.before) await client.command(text)
  const timesMs: Record<string, number[]> = {}
  const octets: Record<string, number> = {}
  for (const step of job.steps) {
    const { times, received } = await runStep(client, step)
    timesMs[step.key] = times
    octets[step.key] = received
  }
  for (const text of job.after ?? []) await client.command(text)
  await client.command('LOGOUT')
  client.close()
  return { timesMs, octets }
}

async function runStep(client: ImapClient, step: Step): Promise<{ times: number[]; received: number }> {
  const { text, kind, from = 1, to = 1 } = step
  if (kind === 'whole') {
    if (step.expect !== undefined || step.record !== undefined) await check(client, step)
    const times: number[] = []
    let received = 0
    for (let turn = 0; turn < (step.times ?? 1); turn++) {
      const began = performance.now()
      received = (await client.command(text)).octets
      times.push(performance.now() - began)
    }
    return { times, received }
  }
  const texts = Array.from({ length: to - from + 1 }, (_, at) => text.replaceAll('{n}', String(from + at)))
  const began = performance.now()
  let received = 0
  if (kind === 'pipeline') await client.pipeline(texts)
  else for (const one of texts) received += (await client.command(one)).octets
  return { times: [performance.now() - began], received }
}

/** One turn outside the timing, whose response is looked at: an empty answer would be quick. */
async function check(client: ImapClient, { text, expect, record }: Step): Promise<void> {
  const { content = Buffer.alloc(0) } = await client.command(text, { keep: true })
  if (record !== undefined) {
    const { writeFileSync } = await import('node:fs')
    writeFileSync(record, content)
  }
  if (expect === undefined) return
  const found = expect.what === 'fetch' ? countOf(content, ' FETCH (') : hitsOf(content)
  if (found < expect.atLeast) throw new Error(`${text} gave ${found} of ${expect.atLeast}`)
}

function countOf(content: Buffer, text: string): number {
  let count = 0
  for (let at = content.indexOf(text); at !== -1; at = content.indexOf(text, at + text.length)) count++
  return count
}

function hitsOf(content: Buffer): number {
  const line = /^\* SEARCH([^\r]*)\r$/m.exec(content.toString('latin1'))?.[1] ?? ''
  return line.trim() === '' ? 0 : line.trim().split(' ').length
}
