import type { StoredRecipient } from './layout.ts'
import type { Outcome } from './outcome.ts'
import type { Decide } from './settlement.ts'

/**
 * What an operator's commands mean for one entry. An entry that is being delivered belongs to its worker: it is marked,
 * and the mark is obeyed when the attempt ends.
 */
export const retryAt =
  (now: number): Decide =>
  (stored) => {
    if (stored.state === 'waiting') {
      // What is due waits for its turn alone: there is nothing to write.
      if (stored.dueAt <= now) return changed(stored, 'to be tried now')
      return changed({ ...stored, dueAt: now }, 'to be tried now')
    }
    if (stored.state === 'held' || stored.mark !== undefined) return undefined
    return changed({ ...stored, mark: { kind: 'retry' } }, 'to be tried now')
  }

export const hold: Decide = (stored) => {
  if (stored.state === 'held') return undefined
  if (stored.state === 'delivering') return changed({ ...stored, mark: { kind: 'hold' } }, 'held')
  return changed({ ...stored, state: 'held' }, 'held')
}

export const release: Decide = (stored) => {
  if (stored.state === 'held') return changed({ ...stored, state: 'waiting' }, 'released')
  if (stored.mark?.kind !== 'hold') return undefined
  const { mark: _, ...rest } = stored
  return changed(rest, 'released')
}

export const remove: Decide = (stored) =>
  stored.state === 'delivering'
    ? changed({ ...stored, mark: { kind: 'remove' } }, 'to be removed')
    : { kind: 'removed' }

/** Marks what is being delivered; what is not is for the caller to end. */
export const markToBounce = (stored: StoredRecipient, reason: string): Outcome =>
  changed({ ...stored, mark: { kind: 'bounce', reason } }, `to be given up: ${reason}`)

export const rerouteTo =
  (route: string | undefined, now: number): Decide =>
  (stored) => {
    if (stored.state === 'delivering') return undefined
    const { route: _, ...rest } = stored
    const next = { ...rest, dueAt: Math.min(now, stored.dueAt), ...(route !== undefined && { route }) }
    return changed(next, route === undefined ? 'to be sent by MX' : `to be sent by ${route}`)
  }

const changed = (next: StoredRecipient, text: string): Outcome => ({ kind: 'changed', next, text })
