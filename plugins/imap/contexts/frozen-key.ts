import type { MailboxView } from '../mailbox-view.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { resolveSequenceSet, SAVED, type SequenceRange, type SequenceSet } from '../wire/sequence-set.ts'

/**
 * The condition as it was meant when it came: numbers and `$` stand for messages there were then (RFC 5267 section 4.3),
 * and so does `*` at the lower end of a range of UIDs. @param saved UIDs that `$` stands for
 */
export function frozenKey(key: SearchKey, view: MailboxView, saved: ReadonlySet<number>): SearchKey {
  switch (key.kind) {
    case 'not':
    case 'fuzzy':
      return { kind: key.kind, key: frozenKey(key.key, view, saved) }
    case 'and':
    case 'or':
      return { kind: key.kind, keys: key.keys.map((one) => frozenKey(one, view, saved)) }
    case 'sequence':
      return { kind: 'uid', set: key.set === SAVED ? savedSet(saved) : uidsOfNumbers(key.set, view) }
    case 'uid':
      return { kind: 'uid', set: key.set === SAVED ? savedSet(saved) : openEnded(key.set, view) }
    default:
      return key
  }
}

const savedSet = (saved: ReadonlySet<number>): SequenceSet => [...saved].map((uid): SequenceRange => [uid, uid])

/** New messages have UIDs above: they are not in a range that ends at the last one. */
function uidsOfNumbers(set: SequenceSet, view: MailboxView): SequenceSet {
  return resolveSequenceSet(set, view.count).flatMap(([from, to]): SequenceRange[] => {
    const last = Math.min(to, view.count)
    return from > last || from < 1 ? [] : [[view.uidAt(from - 1), view.uidAt(last - 1)]]
  })
}

/** `5:*` goes on for ever, while `*` alone is a message. */
function openEnded(set: SequenceSet, view: MailboxView): SequenceSet {
  const largest = view.count === 0 ? 0 : view.uidAt(view.count - 1)
  const end = Number.POSITIVE_INFINITY
  return set.flatMap(([from, to]): SequenceRange[] => {
    if (from !== end && to !== end) return [[from, to]]
    if (from === end && to === end) return largest === 0 ? [] : [[largest, largest]]
    return [[Math.min(from, to, Math.max(1, largest)), end]]
  })
}
