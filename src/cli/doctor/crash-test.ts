/**
 * Proves what a 250 is worth: a server on the same storage settings takes mail and is killed in the middle of it, again
 * and again; after each kill every message that it had acknowledged must be there, once, with its bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { loadConfig } from '../../config/load-config.ts'
import { UserError } from '../../errors/user-error.ts'
import { parseEndpoint } from '../../net/endpoint.ts'
import { startDetached } from '../start-detached.ts'
import { countMail, type Found } from './count-mail.ts'
import { crashMessage } from './crash-message.ts'
import { CRASH_ADDRESS, type CrashProject } from './crash-project.ts'
import { SmtpLane } from './smtp-lane.ts'

export interface CrashRound {
  readonly round: number
  /** Messages that were acknowledged so far, over all rounds. */
  readonly acknowledged: number
  /** Those that were under way when the server was killed, and may be there or not. */
  readonly underWay: number
  readonly stored: number
  readonly lost: readonly number[]
  readonly doubled: readonly number[]
  readonly damaged: readonly string[]
}

export interface CrashTestOptions {
  readonly rounds: number
  /** Connections at a time. */
  readonly lanes: number
  readonly onRound: (round: CrashRound) => void
  readonly signal: AbortSignal
}

/** A server is not killed before it has taken this much in its round. */
const MIN_ACKNOWLEDGED = 20
const MIN_MS = 100
const SPREAD_MS = 900
const EXIT_MS = 30_000

/** Stops after the first round in which something is wrong. @throws UserError when the server does not start or takes no mail */
export async function crashTest(project: CrashProject, options: CrashTestOptions): Promise<readonly CrashRound[]> {
  const rounds: CrashRound[] = []
  const acknowledged = new Set<number>()
  let next = 1
  for (let round = 1; round <= options.rounds && !options.signal.aborted; round++) {
    const begin = { acknowledged: acknowledged.size, next }
    await killInTraffic(project, options, {
      take: () => next++,
      taken: (number) => acknowledged.add(number),
      count: () => acknowledged.size - begin.acknowledged,
    })
    const found = await countMail(await loadConfig(project.configFile), CRASH_ADDRESS)
    const underWay = next - begin.next - (acknowledged.size - begin.acknowledged)
    const result = {
      round,
      acknowledged: acknowledged.size,
      underWay,
      stored: found.stored,
      ...judge(acknowledged, found),
    }
    rounds.push(result)
    options.onRound(result)
    if (hasFault(result)) break
  }
  return rounds
}

export function hasFault({ lost, doubled, damaged }: CrashRound): boolean {
  return lost.length + doubled.length + damaged.length > 0
}

function judge(acknowledged: ReadonlySet<number>, { counts, damaged }: Found) {
  const doubled = [...counts].filter(([, count]) => count > 1).map(([number]) => number)
  return { lost: [...acknowledged].filter((number) => !counts.has(number)), doubled, damaged }
}

interface Book {
  take(): number
  taken(number: number): void
  /** Of this round. */
  count(): number
}

async function killInTraffic(project: CrashProject, { lanes, signal }: CrashTestOptions, book: Book): Promise<void> {
  const card = await startDetached(project.configFile, project.dataDir)
  try {
    const endpoint = parseEndpoint(card.listeners[0]?.address ?? '')
    if (endpoint.kind !== 'tcp') throw new Error('the server listens on no port')
    const refusals: string[] = []
    const sending = Promise.all(Array.from({ length: lanes }, () => sendUntilKilled(endpoint, book, refusals)))
    const until = Date.now() + EXIT_MS
    while (book.count() < MIN_ACKNOWLEDGED && !signal.aborted) {
      if (Date.now() > until) throw new UserError(`The server took no mail: ${refusals[0] ?? 'it does not answer'}`)
      await sleep(20)
    }
    await sleep(MIN_MS + Math.random() * SPREAD_MS)
    process.kill(card.pid, 'SIGKILL')
    await sending
  } finally {
    await ended(card.pid)
  }
}

async function sendUntilKilled(at: { host: string; port: number }, book: Book, refusals: string[]): Promise<void> {
  let lane: SmtpLane | undefined
  try {
    lane = await SmtpLane.open(at.host, at.port)
    for (;;) {
      const number = book.take()
      const reply = await lane.send(CRASH_ADDRESS, crashMessage(number))
      if (reply.startsWith('250')) book.taken(number)
      else refusals.push(reply)
    }
  } catch {
    // The server was killed; what was under way may be there or not.
  } finally {
    lane?.close()
  }
}

/** Kills it if it still lives, and waits until it is gone. */
async function ended(pid: number): Promise<void> {
  const until = Date.now() + EXIT_MS
  try {
    process.kill(pid, 'SIGKILL')
    while (Date.now() < until) {
      process.kill(pid, 0)
      await sleep(10)
    }
  } catch {
    // There is no such process any more.
  }
}
