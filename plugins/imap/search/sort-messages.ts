import { setImmediate as nextTurn } from 'node:timers/promises'
import { decodeToLine, type MessageIndex } from 'mailserver'
import type { MailboxView } from '../mailbox-view.ts'
import type { Session } from '../session.ts'
import type { SortCriterion, SortKey } from '../wire/sort-criteria.ts'
import { baseSubject } from './base-subject.ts'
import { casemap } from './casemap.ts'
import { firstAddress } from './envelope-reader.ts'

type Value = number | string
type FromView = (view: MailboxView, row: number) => Value
/** From 1 to 100, by position (RFC 6203 section 6). */
type ScoresByPosition = ReadonlyMap<number, number>
type FromIndex = (index: MessageIndex, view: MailboxView, row: number) => Value

const FROM_VIEW: ReadonlyMap<SortKey, FromView> = new Map<SortKey, FromView>([
  ['ARRIVAL', (view, row) => view.mirror.columns.dateAt(row)],
  ['SIZE', (view, row) => view.mirror.columns.sizeAt(row)],
])

const FROM_INDEX: ReadonlyMap<SortKey, FromIndex> = new Map<SortKey, FromIndex>([
  // RFC 5256 section 2.2: without a date that can be read, that of arrival.
  ['DATE', ({ sentAt }, view, row) => sentAt ?? view.mirror.columns.dateAt(row)],
  ['SUBJECT', ({ subject = '' }) => casemap(baseSubject(subject).text)],
  ['FROM', ({ envelope }) => mailboxOf(envelope, 'from')],
  ['TO', ({ envelope }) => mailboxOf(envelope, 'to')],
  ['CC', ({ envelope }) => mailboxOf(envelope, 'cc')],
  ['DISPLAYFROM', ({ envelope }) => displayOf(envelope, 'from')],
  ['DISPLAYTO', ({ envelope }) => displayOf(envelope, 'to')],
])

const BATCH = 1000

/** What a message is compared by, one value for each criterion. */
export type SortKeys = readonly Value[]

/**
 * Positions in the order of the criteria, messages that are alike in the order they have in the mailbox (RFC 5256 section
 * 3). Only what the criteria need is read; the octets of a message never. One that is gone by now is left out.
 */
export async function sortMessages(
  session: Session,
  positions: readonly number[],
  criteria: readonly SortCriterion[],
  options: SortOptions = {},
): Promise<SortedMessages> {
  const keys = await readSortKeys(session, positions, criteria, options)
  const compare = sortOrder(criteria)
  const sorted = [...keys.keys()].sort((a, b) => compare(keys.get(a) as SortKeys, keys.get(b) as SortKeys) || a - b)
  return { positions: sorted, keys }
}

export interface SortOptions {
  /** None is relevant when absent. */
  readonly scores?: ScoresByPosition | undefined
  /** Told now and then how many messages are behind. */
  readonly onProgress?: (done: number) => void
}

export interface SortedMessages {
  readonly positions: readonly number[]
  /** By position. */
  readonly keys: ReadonlyMap<number, SortKeys>
}

/** What messages are compared by, by position. One that is gone by now is left out. */
export async function readSortKeys(
  session: SortScope,
  positions: readonly number[],
  criteria: readonly SortCriterion[],
  { scores = NO_SCORES, onProgress }: SortOptions = {},
): Promise<Map<number, SortKeys>> {
  const view = session.selected
  const values = new Map<number, SortKeys>()
  if (criteria.every(({ key }) => key === 'RELEVANCY' || FROM_VIEW.has(key))) {
    for (const position of positions) {
      const row = view.rowAt(position)
      if (row !== -1)
        values.set(
          position,
          criteria.map(({ key }) => knownValue(key, view, row, scores) as Value),
        )
    }
  } else await readValues(session, positions, criteria, { scores, onProgress }, values)
  return values
}

/** Whose messages are sorted. */
type SortScope = Pick<Session, 'selected' | 'services' | 'signal'>

const NO_SCORES: ScoresByPosition = new Map()

/** undefined where the message's index is needed. */
function knownValue(key: SortKey, view: MailboxView, row: number, scores: ScoresByPosition): Value | undefined {
  if (key !== 'RELEVANCY') return FROM_VIEW.get(key)?.(view, row)
  // RFC 6203 section 6: the message with the highest score comes first.
  return -(scores.get(view.positionOf(view.mirror.columns.uids[row] as number)) ?? 0)
}

async function readValues(
  session: SortScope,
  positions: readonly number[],
  criteria: readonly SortCriterion[],
  { scores, onProgress }: { scores: ScoresByPosition; onProgress: SortOptions['onProgress'] },
  values: Map<number, SortKeys>,
): Promise<void> {
  const { selected: view, signal } = session
  for (let from = 0; from < positions.length; from += BATCH) {
    signal.throwIfAborted()
    onProgress?.(from)
    const uids = positions.slice(from, from + BATCH).map((position) => view.uidAt(position))
    for await (const batch of view.mirror.indexes.of(uids)) {
      for (const [uid, index] of batch) {
        const position = view.positionOf(uid)
        const row = view.rowAt(position)
        if (row === -1) continue
        values.set(
          position,
          criteria.map(
            ({ key }) => knownValue(key, view, row, scores) ?? (FROM_INDEX.get(key) as FromIndex)(index, view, row),
          ),
        )
      }
    }
    await nextTurn()
  }
}

/** Which of two comes first. */
export function sortOrder(criteria: readonly SortCriterion[]): (a: SortKeys, b: SortKeys) => number {
  const signs = criteria.map(({ isReverse }) => (isReverse ? -1 : 1))
  return (a, b) => {
    for (let at = 0; at < signs.length; at++) {
      const left = a[at] as Value
      const right = b[at] as Value
      const sign = signs[at] as number
      if (left !== right) return left < right ? -sign : sign
    }
    return 0
  }
}

/** The local part of the first address, empty when there is none. */
function mailboxOf(envelope: Buffer, field: 'from' | 'to' | 'cc'): string {
  return casemap(decodeToLine(firstAddress(envelope, field)?.local ?? ''))
}

/** RFC 5957 section 3: the name that is shown, or the whole address when there is no name. */
function displayOf(envelope: Buffer, field: 'from' | 'to'): string {
  const first = firstAddress(envelope, field)
  if (first === undefined) return ''
  const { name, local, host } = first
  return casemap(decodeToLine(name || (host === undefined ? local : `${local}@${host}`)))
}
