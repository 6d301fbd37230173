import type { Notify } from '../mail/envelope.ts'
import type { StoredRecipient } from './layout.ts'
import type { Attempt, AttemptResult, RetrySchedule } from './queue.ts'
import { nextAttempt } from './retry.ts'

/** What becomes of one recipient, and what its sender hears of it. */
export type Outcome =
  | { readonly kind: 'delivered'; readonly attempt: Attempt; readonly report?: 'relayed' }
  | { readonly kind: 'failed'; readonly attempt: Attempt; readonly report?: 'failed' }
  | {
      readonly kind: 'deferred'
      readonly attempt: Attempt
      readonly next: StoredRecipient
      readonly report?: 'delayed'
    }
  /** Nothing was tried: it waits for servers that are away, and nobody need be told. */
  | { readonly kind: 'put-off'; readonly next: StoredRecipient }
  | { readonly kind: 'removed' }
  /** An operator's doing: it stays in the queue, otherwise than it was. */
  | { readonly kind: 'changed'; readonly next: StoredRecipient; readonly text: string }

export type ReportKind = 'failed' | 'delayed' | 'relayed'

export interface OutcomeContext {
  readonly schedule: RetrySchedule
  readonly now: number
  readonly arrivedAt: number
  /** 0 to 1; the same for all recipients of an attempt, so that they stay together. */
  readonly random: number
  /** Whose attempt it was. */
  readonly owner: string
  /** False when no report can be made now: nothing may fail, for its sender would not hear of it. */
  readonly canReport: boolean
}

/** How long a failure waits for its report when that cannot be made now. */
const REPORT_RETRY_MS = 300_000

/**
 * Decides about one recipient after an attempt.
 * @returns undefined when the entry is not this worker's any more and there is nothing new to say about it
 */
export function outcomeOf(
  stored: StoredRecipient,
  result: AttemptResult,
  context: OutcomeContext,
): Outcome | undefined {
  // What has been delivered is delivered, whoever holds the entry by now: to try it again would be a duplicate.
  if (result.kind === 'delivered') {
    const isReported = stored.recipient.notify?.includes('success') && !result.isDsnPassedOn
    return { kind: 'delivered', attempt: result.attempt, ...(isReported && { report: 'relayed' }) }
  }
  if (stored.state !== 'delivering' || stored.owner !== context.owner) return undefined
  if (stored.mark?.kind === 'remove') return { kind: 'removed' }
  if (result.kind === 'failed') return failure(stored, result.attempt, context)
  if (stored.mark?.kind === 'bounce') {
    return failure(stored, givenUp(result.attempt.at, stored.mark.reason, result.attempt), context)
  }
  return deferral(stored, result, context)
}

/** Gives up on a recipient; when its sender cannot be told now, later. */
export function failure(stored: StoredRecipient, attempt: Attempt, context: OutcomeContext): Outcome {
  const isReported = wants(stored, 'failure')
  if (!isReported) return { kind: 'failed', attempt }
  if (context.canReport) return { kind: 'failed', attempt, report: 'failed' }
  return { kind: 'deferred', attempt, next: waiting(stored, attempt, context.now + REPORT_RETRY_MS) }
}

/** The attempt that stands for a decision of the operator. */
export function givenUp(at: number, reason: string, last: Attempt | undefined): Attempt {
  const text = last === undefined ? reason : `${reason}; the last attempt ended with: ${last.text}`
  return { at, ms: 0, status: '5.0.0', text, ...(last?.remote !== undefined && { remote: last.remote }) }
}

function deferral(
  stored: StoredRecipient,
  { attempt, retryAfterMs, isUntried = false }: Extract<AttemptResult, { kind: 'deferred' }>,
  context: OutcomeContext,
): Outcome {
  const { schedule, now, arrivedAt, random, canReport } = context
  // What an operator asked for came when the servers had been found away already: it is not put off by that.
  const wait = isUntried && stored.mark?.kind === 'retry' ? 0 : retryAfterMs
  const dueAt = nextAttempt(
    schedule,
    {
      attempts: stored.attempts + 1,
      now,
      expiresAt: stored.expiresAt,
      ...(wait !== undefined && { retryAfterMs: wait }),
    },
    random,
  )
  if (dueAt === undefined) return failure(stored, expired(stored, attempt, isUntried ? 0 : 1), context)
  const isLate = stored.delayReportedAt === undefined && now - arrivedAt >= schedule.warnAfterMs
  const isReported = isLate && canReport && wants(stored, 'delay')
  const next = waiting(stored, attempt, dueAt, isUntried ? 0 : 1)
  if (!isReported) return isUntried ? { kind: 'put-off', next } : { kind: 'deferred', attempt, next }
  return { kind: 'deferred', attempt, next: { ...next, delayReportedAt: now }, report: 'delayed' }
}

/** RFC 3463 section 3.5, X.4.7: the time is over; why it was not delivered stays readable. */
function expired(stored: StoredRecipient, attempt: Attempt, counts: 0 | 1): Attempt {
  const tries = Math.max(1, stored.attempts + counts)
  return {
    ...attempt,
    status: '5.4.7',
    text: `Given up after ${tries} ${tries === 1 ? 'attempt' : 'attempts'}; the last one ended with: ${attempt.text}`,
  }
}

function waiting(stored: StoredRecipient, attempt: Attempt, dueAt: number, counts: 0 | 1 = 1): StoredRecipient {
  const { owner: _, mark, ...rest } = stored
  const state = mark?.kind === 'hold' ? 'held' : 'waiting'
  return { ...rest, state, attempts: stored.attempts + counts, dueAt, lastAttempt: attempt }
}

/** RFC 3461 section 4.1: who says nothing hears of failure and delay; NEVER is never. */
function wants({ recipient }: StoredRecipient, what: Extract<Notify, 'failure' | 'delay'>): boolean {
  return recipient.notify === undefined || recipient.notify.includes(what)
}
