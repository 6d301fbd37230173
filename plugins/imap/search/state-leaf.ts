import type { MailboxView } from '../mailbox-view.ts'
import { dayOfInstant } from '../wire/date-time.ts'
import type { Relation } from '../wire/search-keys.ts'
import { resolveSequenceSet, SAVED, type SequenceRange } from '../wire/sequence-set.ts'
import type { LeafKey } from './evaluate.ts'

/** A message of the view. */
export interface Place {
  readonly position: number
  readonly row: number
}

/** Answers the conditions that the view knows; undefined for those that need the message. */
export class StateLeaf {
  readonly #view: MailboxView
  readonly #saved: ReadonlySet<number>
  readonly #now: number
  /** Of each flag condition, the answer for each set of flags. */
  readonly #bySet = new Map<LeafKey, boolean[]>()
  readonly #ranges = new Map<LeafKey, readonly SequenceRange[]>()

  /** @param saved UIDs that `$` stands for. @param now milliseconds since the epoch */
  constructor(view: MailboxView, saved: ReadonlySet<number>, now: number) {
    this.#view = view
    this.#saved = saved
    this.#now = now
  }

  answer(key: LeafKey, { position, row }: Place): boolean | undefined {
    const { mirror } = this.#view
    switch (key.kind) {
      case 'flag': {
        const set = mirror.columns.flagsAt(row)
        const known = this.#answersOf(key)
        known[set] ??= mirror.columns.flagSets.get(set).lower.has(key.flag)
        return known[set]
      }
      case 'recent':
        return this.#view.recent.has(this.#view.uidAt(position))
      case 'sequence':
        if (key.set === SAVED) return this.#saved.has(this.#view.uidAt(position))
        return isIn(this.#rangesOf(key, this.#view.count), position + 1)
      case 'uid': {
        if (key.set === SAVED) return this.#saved.has(this.#view.uidAt(position))
        const { count } = this.#view
        return isIn(this.#rangesOf(key, count === 0 ? 0 : this.#view.uidAt(count - 1)), this.#view.uidAt(position))
      }
      case 'larger':
        return mirror.columns.sizeAt(row) > key.octets
      case 'smaller':
        return mirror.columns.sizeAt(row) < key.octets
      case 'arrived':
        return holds(key.relation, dayOfInstant(mirror.columns.dateAt(row)), key.day)
      // RFC 5032 section 2: both include the moment itself.
      case 'younger':
        return this.#age(row) <= key.seconds
      case 'older':
        return this.#age(row) >= key.seconds
      case 'modseq':
        return mirror.columns.modSeqAt(row) >= key.modSeq
      default:
        return undefined
    }
  }

  #age(row: number): number {
    return (this.#now - this.#view.mirror.columns.dateAt(row)) / 1000
  }

  #answersOf(key: LeafKey): boolean[] {
    let known = this.#bySet.get(key)
    if (known === undefined) {
      known = []
      this.#bySet.set(key, known)
    }
    return known
  }

  #rangesOf(key: LeafKey & { kind: 'sequence' | 'uid' }, largest: number): readonly SequenceRange[] {
    let ranges = this.#ranges.get(key)
    if (ranges === undefined) {
      ranges = resolveSequenceSet(key.set, largest)
      this.#ranges.set(key, ranges)
    }
    return ranges
  }
}

export function holds(relation: Relation, day: number, wanted: number): boolean {
  if (relation === 'on') return day === wanted
  return relation === 'before' ? day < wanted : day >= wanted
}

function isIn(ranges: readonly SequenceRange[], number: number): boolean {
  let low = 0
  let high = ranges.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const [from, to] = ranges[middle] as SequenceRange
    if (number < from) high = middle
    else if (number > to) low = middle + 1
    else return true
  }
  return false
}
