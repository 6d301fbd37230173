import { catchUp } from '../known-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { type Limited, limitMessages, TooManyMessages } from '../message-limit.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { UidRequired } from '../uid-only.ts'
import type { ReturnOptions } from '../wire/return-options.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { SAVED } from '../wire/sequence-set.ts'
import { evaluate, leavesOf } from './evaluate.ts'
import type { Relevancies } from './relevancy.ts'
import { searchMailbox } from './search-mailbox.ts'
import { StateLeaf } from './state-leaf.ts'

/** What a command looks for in the selected mailbox. */
export interface MessageQuery {
  readonly key: SearchKey
  readonly options?: ReturnOptions | undefined
  /** Takes how relevant each message is that is found. */
  readonly relevancies?: Relevancies | undefined
}

/**
 * Rising positions of what meets the condition, new messages among them. Of more messages than one command may search
 * the newest are.
 */
export function findMessages(session: Session, query: MessageQuery): Promise<Limited<readonly number[]>> {
  return finding(session, query, async () => {
    const { positions: within, code } = limitSearch(session, query.key)
    const progress = new Progress(session, within?.length ?? session.selected.count)
    const positions = await search(session, query, within, progress)
    return { positions, code }
  })
}

/** What is to be put in an order. */
export interface Unordered {
  readonly positions: readonly number[]
  /** Of the command: the messages are gone through a second time. Those that were not found are behind already. */
  readonly ordering: Ordering
}

/** Told how many of the messages that were found are behind. */
export type Ordering = (done: number) => void

/** The same for who puts them in an order, which of a part would be none (RFC 9738 section 3.3). @throws TooManyMessages */
export function findAll(session: Session, query: MessageQuery): Promise<Unordered> {
  return finding(session, query, async () => {
    const { positions: within, code } = limitSearch(session, query.key)
    if (code !== undefined) throw new TooManyMessages(session.messageLimit)
    const count = within?.length ?? session.selected.count
    const progress = new Progress(session, count, 2)
    const positions = await search(session, query, within, progress)
    progress.nextStep()
    return { positions, ordering: (done) => progress.tell(count - positions.length + done) }
  })
}

function search(
  session: Session,
  { key, relevancies }: MessageQuery,
  within: readonly number[] | undefined,
  progress: Progress,
): Promise<readonly number[]> {
  return searchMailbox(session, key, { within, relevancies, onProgress: (done) => progress.tell(done) })
}

async function finding<T>(session: Session, { key, options }: MessageQuery, find: () => Promise<T>): Promise<T> {
  if (session.isUidOnly && leavesOf(key).some((leaf) => leaf.kind === 'sequence' && leaf.set !== SAVED))
    throw new UidRequired()
  try {
    if (asksForModSeq(key)) session.enableCondstore()
    await catchUp(session)
    return await find()
  } catch (cause) {
    // RFC 5182 section 2.1: a search that fails leaves nothing behind.
    if (options?.names.has('SAVE')) session.saved = new Set()
    throw cause
  }
}

/**
 * The messages that a search goes through, the newest as many as one command may (RFC 9738 section 3.1: it is those that
 * are searched that count, not those that match). Numbers and UIDs that all must have narrow them down.
 * @returns no positions where there is no limit
 */
export function limitSearch(
  session: Pick<Session, 'messageLimit' | 'selected' | 'saved' | 'clock'>,
  key: SearchKey,
): Limited<readonly number[] | undefined> {
  const { messageLimit, selected: view, saved, clock } = session
  if (messageLimit === Number.POSITIVE_INFINITY) return { positions: undefined, code: undefined }
  return limitMessages(session, searchedPositions(view, key, new StateLeaf(view, saved, clock.now())))
}

function searchedPositions(view: MailboxView, key: SearchKey, state: StateLeaf): readonly number[] {
  const needed: SearchKey = { kind: 'and', keys: neededNumbers(key) }
  const positions: number[] = []
  for (let position = 0; position < view.count; position++) {
    const row = view.rowAt(position)
    if (row !== -1 && evaluate(needed, (leaf) => state.answer(leaf, { position, row }))) positions.push(position)
  }
  return positions
}

/** Sets of numbers and UIDs that every message must be in to be found. */
function neededNumbers(key: SearchKey): readonly SearchKey[] {
  switch (key.kind) {
    case 'sequence':
    case 'uid':
      return [key]
    case 'fuzzy':
      return neededNumbers(key.key)
    case 'and':
      return key.keys.flatMap(neededNumbers)
    default:
      return []
  }
}

export const asksForModSeq = (key: SearchKey): boolean => leavesOf(key).some(({ kind }) => kind === 'modseq')

/** RFC 7162 section 3.1.5: the highest mod-sequence of what was found, for a search that asks for mod-sequences. */
export function highestModSeq(
  { selected: view }: Pick<Session, 'selected'>,
  key: SearchKey,
  positions: readonly number[],
): number | undefined {
  if (!asksForModSeq(key) || positions.length === 0) return undefined
  let highest = 0
  for (const position of positions) {
    const row = view.rowAt(position)
    if (row !== -1) highest = Math.max(highest, view.mirror.columns.modSeqAt(row))
  }
  return highest
}
