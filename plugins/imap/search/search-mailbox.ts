import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type BlobRef,
  codeOf,
  decodeWords,
  fieldValues,
  foldText,
  type MessageIndex,
  type MessageRecord,
  type ScannedMessage,
  scanMessage,
} from 'mailserver'
import { HEAD_RANGE, headerIn } from '../fetch/header-sections.ts'
import { readMessages } from '../fetch/read-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { Progress, type Told } from '../progress.ts'
import type { Session } from '../session.ts'
import { dayOfInstant } from '../wire/date-time.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { evaluate, type Leaf, type LeafKey, leavesOf } from './evaluate.ts'
import { foldedText, TextSearch } from './fold.ts'
import { IndexLeaf } from './index-leaf.ts'
import { IndexedTexts } from './indexed-texts.ts'
import { holds, type Place, StateLeaf } from './state-leaf.ts'

/** Conditions that neither the view nor the header decides. */
const BEYOND_HEADERS: ReadonlySet<LeafKey['kind']> = new Set<LeafKey['kind']>([
  'sent',
  'threadid',
  'envelope',
  'emailid',
  'saved',
  'text',
  'body',
])

/** Messages that are looked at before others get their turn. */
const STATE_BATCH = 5000
/** Candidates that are held at a time: a hostile message's index may have many kilobytes. */
const INDEX_BATCH = 2000
/** Messages up to this size are read whole, many at a time; of larger ones what is needed, one by one. */
const WHOLE_BYTES = 256 * 1024
/** Fields are looked for in so much of a header. */
const MAX_HEADER_BYTES = 4 * 1024 * 1024

/** What is searched, and with what: a session and its selected mailbox, or another mailbox in its place. */
export type SearchScope = Told & Pick<Session, 'services' | 'signal' | 'log' | 'saved' | 'selected'>

/**
 * Positions of the messages that meet the condition, in rising order. What the view knows is asked first, then a
 * search index if there is one; only where that does not decide is the message's own index read, then the header, then
 * the text. Ends when the client leaves.
 */
export async function searchMailbox(session: SearchScope, key: SearchKey): Promise<number[]> {
  const view = session.selected
  const state = new StateLeaf(view, session.saved, session.clock.now())
  const progress = new Progress(session, view.count)
  const found: number[] = []
  let open: Place[] = []
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
  const texts = await IndexedTexts.ask(session, key)
  if (texts !== undefined) {
    open = open.filter(({ position }) => {
      // The mirror has gone on while the index was asked.
      const row = view.rowAt(position)
      if (row === -1) return false
      const uid = view.uidAt(position)
      const value = evaluate(key, (leaf) => state.answer(leaf, { position, row }) ?? texts.answer(leaf, uid))
      if (value === true) found.push(position)
      return value === undefined
    })
  }
  const reading = new Reading(session, key, texts)
  for (let from = 0; from < open.length; from += INDEX_BATCH) {
    session.signal.throwIfAborted()
    progress.tell(view.count - open.length + from)
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
  readonly #session: SearchScope
  readonly #view: MailboxView
  readonly #key: SearchKey
  readonly #state: StateLeaf
  readonly #needsRecord: boolean
  readonly #needsHeader: boolean
  /** Beside what the view knows, headers are all that is asked for. */
  readonly #isHeadersOnly: boolean
  readonly #needles: readonly string[]
  readonly #bodyNeedles: readonly string[]
  readonly #texts: IndexedTexts | undefined

  constructor(session: SearchScope, key: SearchKey, texts: IndexedTexts | undefined) {
    this.#texts = texts
    this.#session = session
    this.#view = session.selected
    this.#key = key
    this.#state = new StateLeaf(this.#view, session.saved, session.clock.now())
    const leaves = leavesOf(key)
    this.#needsRecord = leaves.some(({ kind }) => kind === 'emailid' || kind === 'saved')
    this.#needsHeader = leaves.some(({ kind }) => kind === 'header')
    this.#isHeadersOnly = this.#needsHeader && !leaves.some(({ kind }) => BEYOND_HEADERS.has(kind))
    this.#needles = textsOf(leaves, 'text')
    this.#bodyNeedles = textsOf(leaves, 'body')
  }

  async batch(places: readonly Place[]): Promise<readonly number[]> {
    const { services } = this.#session
    const { account } = this.#view.mirror
    const mailbox = this.#view.mailbox.id
    const found: number[] = []
    const open: Candidate[] = []
    const unknown = this.#isHeadersOnly ? await this.#askHeaders(places, found) : places
    if (unknown.length === 0) return found
    const uids = unknown.map(({ position }) => this.#view.uidAt(position))
    for await (const batch of services.store.indexes(account, mailbox, uids)) {
      for (const [uid, index] of batch) {
        const candidate = this.#candidate(uid, index)
        if (candidate === undefined) continue
        const value = evaluate(this.#key, candidate.known)
        if (value === undefined) open.push(candidate)
        else if (value) found.push(candidate.position)
      }
    }
    const left = this.#needsRecord && open.length > 0 ? await this.#askRecords(open, found) : open
    if (left.length > 0) await this.#readAll(left, found)
    return found
  }

  /** Looks at the first octets of the messages. @returns those whose header is longer */
  async #askHeaders(places: readonly Place[], found: number[]): Promise<Place[]> {
    const { services, signal } = this.#session
    const { account } = this.#view.mirror
    const byUid = new Map(places.map((place) => [this.#view.uidAt(place.position), place]))
    const messages = await services.store.blobs(account, this.#view.mailbox.id, [...byUid.keys()])
    const long: Place[] = []
    const nothing = () => {}
    for await (const batch of readMessages(services.blobs, messages, nothing, () => HEAD_RANGE)) {
      signal.throwIfAborted()
      for (const [uid, octets] of batch) {
        const { position } = byUid.get(uid) as Place
        // Other commands of the session may have moved the rows.
        const row = this.#view.rowAt(position)
        if (row === -1) continue
        const header = headerIn(octets, this.#view.mirror.columns.sizeAt(row))
        const leaf: Leaf = (key) => this.#state.answer(key, { position, row })
        if (header === undefined) long.push({ position, row })
        else if (evaluate(this.#key, headerLeaf(leaf, header)) === true) found.push(position)
      }
    }
    return long
  }

  /** @returns what the records leave open */
  async #askRecords(open: readonly Candidate[], found: number[]): Promise<Candidate[]> {
    const { store } = this.#session.services
    const { account } = this.#view.mirror
    const byUid = new Map(open.map((candidate) => [candidate.uid, candidate]))
    const left: Candidate[] = []
    for (const record of await store.records(account, this.#view.mailbox.id, [...byUid.keys()])) {
      const candidate = byUid.get(record.uid) as Candidate
      const known: Leaf = (key) => candidate.known(key) ?? recordAnswer(record, key)
      const value = evaluate(this.#key, known)
      if (value === undefined) left.push({ ...candidate, known })
      else if (value) found.push(candidate.position)
    }
    return left
  }

  /** Decides what the indexes leave open, in the order of the messages as far as they are read together. */
  async #readAll(open: readonly Candidate[], found: number[]): Promise<void> {
    const { services, signal } = this.#session
    const { account } = this.#view.mirror
    const byUid = new Map(open.map((candidate) => [candidate.uid, candidate]))
    const messages = await services.store.blobs(account, this.#view.mailbox.id, [...byUid.keys()])
    const indexOf = (uid: number) => (byUid.get(uid) as Candidate).index
    const isText = this.#needles.length + this.#bodyNeedles.length > 0
    const isSmall = (uid: number) => !isText || indexOf(uid).size <= WHOLE_BYTES
    const headerOf = isText ? undefined : (uid: number) => headerRange(indexOf(uid))
    const small = messages.filter(([uid]) => isSmall(uid))
    // Of a message whose octets are damaged, the text matches nothing.
    for await (const batch of readMessages(services.blobs, small, () => {}, headerOf)) {
      signal.throwIfAborted()
      for (const [uid, octets] of batch) {
        const candidate = byUid.get(uid) as Candidate
        if (await this.#matches(candidate, octets)) found.push(candidate.position)
      }
    }
    for (const [uid, blob] of messages) {
      if (isSmall(uid)) continue
      signal.throwIfAborted()
      const candidate = byUid.get(uid) as Candidate
      if (await this.#matchesLarge(candidate, blob)) found.push(candidate.position)
    }
  }

  #candidate(uid: number, index: MessageIndex): Candidate | undefined {
    const position = this.#view.positionOf(uid)
    const row = this.#view.rowAt(position)
    if (row === -1) return undefined
    const place = { position, row }
    const fromIndex = new IndexLeaf(index)
    const known: Leaf = (key) =>
      this.#state.answer(key, place) ?? this.#texts?.answer(key, uid) ?? fromIndex.answer(key)
    return { uid, position, index, known }
  }

  async #matches(candidate: Candidate, octets: Buffer): Promise<boolean> {
    const { index, known } = candidate
    const withHeader = this.#needsHeader ? headerLeaf(known, octets.subarray(0, headerRange(index).end)) : known
    return evaluate(this.#key, withHeader) ?? (await this.#scan({ octets, index }, withHeader))
  }

  /** Reads the message as far as that is needed. A message that is gone by now does not match. */
  async #matchesLarge({ index, known }: Candidate, blob: BlobRef): Promise<boolean> {
    const { services, signal } = this.#session
    try {
      const withHeader = this.#needsHeader
        ? headerLeaf(known, await services.blobs.read(blob, headerRange(index)))
        : known
      const message = { blobs: services.blobs, blob, index, signal }
      return evaluate(this.#key, withHeader) ?? (await this.#scan(message, withHeader))
    } catch (cause) {
      if (codeOf(cause) === 'NOT_FOUND') return false
      throw cause
    }
  }

  async #scan(message: ScannedMessage, known: Leaf): Promise<boolean> {
    const text = searchFor(this.#needles)
    const body = searchFor(this.#bodyNeedles)
    if (!body.isDone) await scanMessage(message, body, false)
    if (!text.isDone) await scanMessage(message, text, true)
    const value = evaluate(this.#key, (key) => {
      const answer = known(key)
      if (answer !== undefined) return answer
      if (key.kind === 'text') return text.has(foldedText(key))
      return key.kind === 'body' && body.has(foldedText(key))
    })
    return value === true
  }
}

/** What the record of a message knows of a condition. */
function recordAnswer({ emailId, savedAt }: MessageRecord, key: LeafKey): boolean | undefined {
  if (key.kind === 'emailid') return emailId === key.id
  return key.kind === 'saved' ? holds(key.relation, dayOfInstant(savedAt), key.day) : undefined
}

function headerRange({ root }: MessageIndex): { readonly start: number; readonly end: number } {
  return { start: 0, end: Math.min(root.bodyStart, MAX_HEADER_BYTES) }
}

const NOTHING = new TextSearch([])

const searchFor = (needles: readonly string[]): TextSearch => (needles.length === 0 ? NOTHING : new TextSearch(needles))

/** Answers conditions of header fields as well. */
function headerLeaf(known: Leaf, header: Buffer): Leaf {
  return (key) => {
    const answer = known(key)
    if (answer !== undefined || key.kind !== 'header') return answer
    const wanted = foldedText(key)
    return fieldValues(header, key.field).some((value) => foldText(decodeWords(value)).includes(wanted))
  }
}

/** Folded texts of the conditions of a kind; the empty text is in every message and needs no reading. */
function textsOf(leaves: readonly LeafKey[], kind: 'text' | 'body'): readonly string[] {
  return leaves.flatMap((leaf) => (leaf.kind === kind && leaf.text !== '' ? [foldedText(leaf)] : []))
}
