import { setImmediate as nextTurn } from 'node:timers/promises'
import { type BlobRef, codeOf, decodeWords, fieldValues, type MessageIndex, type MessageRecord } from 'mailserver'
import type { MailboxView } from '../mailbox-view.ts'
import type { Session } from '../session.ts'
import { dayOfInstant } from '../wire/date-time.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { evaluate, type Leaf, type LeafKey, leavesOf } from './evaluate.ts'
import { fold, TextSearch } from './fold.ts'
import { IndexLeaf } from './index-leaf.ts'
import { scanMessage } from './scan-message.ts'
import { holds, type Place, StateLeaf } from './state-leaf.ts'

/** Messages that are looked at before others get their turn. */
const STATE_BATCH = 5000
const INDEX_BATCH = 200
/** Messages whose octets are read at the same time. */
const READERS = 4
/** Fields are looked for in so much of a header. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024

/**
 * Positions of the messages that meet the condition, in rising order. What the view knows is asked first; only where that
 * does not decide is the index read, then the header, then the text. Ends when the client leaves.
 */
export async function searchMailbox(session: Session, key: SearchKey): Promise<number[]> {
  const view = session.selected
  const state = new StateLeaf(view, session.clock.now())
  const found: number[] = []
  const open: Place[] = []
  for (let position = 0; position < view.count; position++) {
    const row = view.rowAt(position)
    if (row !== -1) {
      const place = { position, row }
      const value = evaluate(key, (leaf) => state.answer(leaf, place))
      if (value === undefined) open.push(place)
      else if (value) found.push(position)
    }
    if (position % STATE_BATCH === STATE_BATCH - 1) await nextTurn()
  }
  if (open.length === 0) return found
  const reading = new Reading(session, key)
  for (let from = 0; from < open.length; from += INDEX_BATCH) {
    session.signal.throwIfAborted()
    for (const position of await reading.batch(open.slice(from, from + INDEX_BATCH))) found.push(position)
    await nextTurn()
  }
  return found.sort((a, b) => a - b)
}

interface Candidate {
  readonly uid: number
  readonly position: number
  readonly index: MessageIndex
  readonly known: Leaf
}

/** The part of a search that needs more than the view. */
class Reading {
  readonly #session: Session
  readonly #view: MailboxView
  readonly #key: SearchKey
  readonly #state: StateLeaf
  readonly #needsHeader: boolean
  readonly #needles: readonly string[]
  readonly #bodyNeedles: readonly string[]

  constructor(session: Session, key: SearchKey) {
    this.#session = session
    this.#view = session.selected
    this.#key = key
    this.#state = new StateLeaf(this.#view, session.clock.now())
    const leaves = leavesOf(key)
    this.#needsHeader = leaves.some(({ kind }) => kind === 'header')
    this.#needles = textsOf(leaves, 'text')
    this.#bodyNeedles = textsOf(leaves, 'body')
  }

  async batch(places: readonly Place[]): Promise<readonly number[]> {
    const { services } = this.#session
    const { account } = this.#view.mirror
    const mailbox = this.#view.mailbox.id
    const found: number[] = []
    const open: Candidate[] = []
    const uids = places.map(({ position }) => this.#view.uidAt(position))
    for await (const batch of services.store.indexes(account, mailbox, uids)) {
      for (const [uid, index] of batch) {
        const candidate = this.#candidate(uid, index)
        if (candidate === undefined) continue
        const value = evaluate(this.#key, candidate.known)
        if (value === undefined) open.push(candidate)
        else if (value) found.push(candidate.position)
      }
    }
    if (open.length === 0) return found
    const openUids = open.map(({ uid }) => uid)
    const records = await services.store.records(account, mailbox, openUids)
    const byUid = new Map(records.map((record) => [record.uid, record]))
    const queue = open.values()
    const work = async () => {
      for (const candidate of queue) {
        const record = byUid.get(candidate.uid)
        if (record !== undefined && (await this.#read(candidate, record))) found.push(candidate.position)
      }
    }
    await Promise.all(Array.from({ length: READERS }, work))
    return found
  }

  #candidate(uid: number, index: MessageIndex): Candidate | undefined {
    const position = this.#view.positionOf(uid)
    const row = this.#view.rowAt(position)
    if (row === -1) return undefined
    const place = { position, row }
    const fromIndex = new IndexLeaf(index)
    const known: Leaf = (key) => this.#state.answer(key, place) ?? fromIndex.answer(key)
    return { uid, position, index, known }
  }

  /** Reads the message as far as that is needed. A message that is gone by now does not match. */
  async #read(candidate: Candidate, record: MessageRecord): Promise<boolean> {
    const { blob } = record
    const known: Leaf = (key) => candidate.known(key) ?? recordAnswer(record, key)
    const decided = evaluate(this.#key, known)
    if (decided !== undefined) return decided
    try {
      const withHeader = this.#needsHeader ? await this.#headerLeaf({ ...candidate, known }, blob) : known
      const value = evaluate(this.#key, withHeader)
      return value ?? (await this.#scan(candidate, blob, withHeader))
    } catch (cause) {
      if (codeOf(cause) === 'NOT_FOUND') return false
      throw cause
    }
  }

  async #headerLeaf({ index, known }: Candidate, blob: BlobRef): Promise<Leaf> {
    const bodyStart = Math.min(index.root.bodyStart, MAX_HEADER_BYTES)
    const header =
      bodyStart === 0 ? Buffer.alloc(0) : await this.#session.services.blobs.read(blob, { start: 0, end: bodyStart })
    return (key) => {
      const answer = known(key)
      if (answer !== undefined || key.kind !== 'header') return answer
      const wanted = fold(key.text)
      return fieldValues(header, key.field).some((value) => fold(decodeWords(value)).includes(wanted))
    }
  }

  async #scan({ index }: Candidate, blob: BlobRef, known: Leaf): Promise<boolean> {
    const { services, signal } = this.#session
    const message = { blobs: services.blobs, blob, index, signal }
    const text = new TextSearch(this.#needles)
    const body = new TextSearch(this.#bodyNeedles)
    if (!body.isDone) await scanMessage(message, body, false)
    if (!text.isDone) await scanMessage(message, text, true)
    const value = evaluate(this.#key, (key) => {
      const answer = known(key)
      if (answer !== undefined) return answer
      if (key.kind === 'text') return text.has(fold(key.text))
      return key.kind === 'body' && body.has(fold(key.text))
    })
    return value === true
  }
}

/** What the record of a message knows of a condition. */
function recordAnswer({ emailId, savedAt }: MessageRecord, key: LeafKey): boolean | undefined {
  if (key.kind === 'emailid') return emailId === key.id
  return key.kind === 'saved' ? holds(key.relation, dayOfInstant(savedAt), key.day) : undefined
}

/** Folded texts of the conditions of a kind; the empty text is in every message and needs no reading. */
function textsOf(leaves: readonly LeafKey[], kind: 'text' | 'body'): readonly string[] {
  return leaves.flatMap((leaf) => (leaf.kind === kind && leaf.text !== '' ? [fold(leaf.text)] : []))
}
