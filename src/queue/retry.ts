import type { RetrySchedule } from './queue.ts'

/**
 * When a recipient is tried again after its attempts so far; undefined when its time is over. The last try falls on the
 * end of its life and not before it.
 * @param attempts how many have failed, at least 1
 * @param random 0 to 1, for the spread
 */
export function nextAttempt(
  schedule: RetrySchedule,
  {
    attempts,
    now,
    expiresAt,
    retryAfterMs,
  }: { attempts: number; now: number; expiresAt: number; retryAfterMs?: number },
  random: number,
): number | undefined {
  if (now >= expiresAt) return undefined
  const step = schedule.delaysMs[Math.min(attempts, schedule.delaysMs.length) - 1] ?? 0
  const wait = retryAfterMs ?? step * (1 + schedule.jitter * (2 * random - 1))
  return Math.min(Math.round(now + wait), expiresAt)
}
