import { setImmediate as nextTurn } from 'node:timers/promises'

/** A turn of the event loop that has taken less had nothing to do, milliseconds. */
const IDLE_TURN_MS = 0.05
/** How long others are waited for, milliseconds: in any case, after each that comes, and at most. */
const ANYWAY_MS = 1
const AFTER_EACH_MS = 0.5
const AT_MOST_MS = 2.5

/**
 * Lets others come as long as this thread is busy, which may bring them. Resolves after a turn of the event loop that had
 * nothing to do, or when none comes any more, or after 2.5 ms.
 * @param count of those that have come
 */
export async function gather(count: () => number): Promise<void> {
  const began = performance.now()
  let [before, last, lastCame] = [began, count(), began]
  for (;;) {
    await nextTurn()
    const now = performance.now()
    if (now - before < IDLE_TURN_MS || now - began >= AT_MOST_MS) return
    before = now
    const many = count()
    if (many > last) [last, lastCame] = [many, now]
    else if (now - began >= ANYWAY_MS && now - lastCame >= AFTER_EACH_MS) return
  }
}
