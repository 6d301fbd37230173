import { type BlobRef, codeOf, type MessageIndex, type MessageRecord, type ScannedMessage } from 'mailserver'
import { headerIn } from '../fetch/header-sections.ts'
import { readMessages } from '../fetch/read-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { dayOfInstant } from '../wire/date-time.ts'
import type { SearchKey } from '../wire/search-keys.ts'
import { evaluate, type Leaf, type LeafKey, leavesOf } from './evaluate.ts'
import { headerLeaf, headerRange } from './header-leaf.ts'
import { IndexLeaf } from './index-leaf.ts'
import type { IndexedTexts } from './indexed-texts.ts'
import { type FuzzyScores, isFuzzy, NO_SCORES, type Relevancies } from './relevancy.ts'
import type { SearchOptions, SearchScope } from './search-scope.ts'
import { holds, type Place, StateLeaf } from './state-leaf.ts'
import { TextScan } from './text-scan.ts'

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

/** Messages up to this size are read whole, many at a time; of larger ones what is needed, one by one. */
const WHOLE_BYTES = 256 * 1024

interface Candidate {
  readonly uid: number
  readonly position: number
  readonly index: MessageIndex
  readonly known: Leaf
  readonly scores: FuzzyScores
}

/** The part of a search that needs more than the view: it reads headers, indexes, records and text, as far as that decides. */
export class SearchReading {
  readonly #session: SearchScope
  readonly #view: MailboxView
  readonly #key: SearchKey
  readonly #relevancies: Relevancies | undefined
  readonly #onProgress: SearchOptions['onProgress']
  readonly #state: StateLeaf
  readonly #needsRecord: boolean
  readonly #needsHeader: boolean
  /** Beside what the view knows, headers are all that is asked for. */
  readonly #isHeadersOnly: boolean
  readonly #text: TextScan
  readonly #isFuzzy: boolean
  readonly #texts: IndexedTexts | undefined

  constructor(
    session: SearchScope,
    key: SearchKey,
    { texts, relevancies, onProgress }: Omit<SearchOptions, 'within'> & { readonly texts: IndexedTexts | undefined },
  ) {
    this.#texts = texts
    this.#onProgress = onProgress
    this.#session = session
    this.#view = session.selected
    this.#relevancies = relevancies
    this.#key = key
    this.#state = new StateLeaf(this.#view, session.saved, session.clock.now())
    const leaves = leavesOf(key)
    this.#needsRecord = leaves.some(({ kind }) => kind === 'emailid' || kind === 'saved')
    this.#needsHeader = leaves.some(({ kind }) => kind === 'header')
    this.#isHeadersOnly = this.#needsHeader && !leaves.some(({ kind }) => BEYOND_HEADERS.has(kind))
    this.#text = new TextScan(leaves)
    this.#isFuzzy = leaves.some(isFuzzy)
  }

  /** With relevancies, what is met is decided once it is known how well. */
  #decide(leaf: Leaf): boolean | undefined {
    return this.#relevancies === undefined ? evaluate(this.#key, leaf) : this.#relevancies.decide(leaf)
  }

  /** Of one message; nothing is put into them where nothing is fuzzy. */
  #scores(): FuzzyScores {
    return this.#isFuzzy ? new Map() : NO_SCORES
  }

  #take(found: number[], position: number, scores: FuzzyScores): void {
    found.push(position)
    this.#relevancies?.take(position, scores)
  }

  /** @param done messages that are behind */
  async batch(places: readonly Place[], done: number): Promise<readonly number[]> {
    const found: number[] = []
    const open: Candidate[] = []
    const unknown = this.#isHeadersOnly ? await this.#askHeaders(places, found) : places
    if (unknown.length === 0) return found
    const uids = unknown.map(({ position }) => this.#view.uidAt(position))
    for await (const batch of this.#view.mirror.indexes.of(uids)) {
      for (const [uid, index] of batch) {
        const candidate = this.#candidate(uid, index)
        if (candidate === undefined) continue
        const value = this.#decide(candidate.known)
        if (value === undefined) open.push(candidate)
        else if (value) this.#take(found, candidate.position, candidate.scores)
      }
    }
    const left = this.#needsRecord && open.length > 0 ? await this.#askRecords(open, found) : open
    if (left.length > 0) await this.#readAll(left, found, done + places.length - left.length)
    return found
  }

  /** Looks at the first octets of the messages. @returns those whose header is longer */
  async #askHeaders(places: readonly Place[], found: number[]): Promise<Place[]> {
    const { services, signal } = this.#session
    const view = this.#view
    const { columns, heads } = view.mirror
    const long: Place[] = []
    const uids = places.map(({ position }) => view.uidAt(position))
    for await (const batch of heads.of(uids, services.blobs, () => {})) {
      signal.throwIfAborted()
      for (const [uid, head] of batch) {
        // Other commands of the session may have moved the rows.
        const position = view.positionOf(uid)
        const row = view.rowAt(position)
        if (row === -1) continue
        const header = headerIn(head, columns.sizeAt(row))
        const leaf: Leaf = (key) => this.#state.answer(key, { position, row })
        const scores = this.#scores()
        if (header === undefined) long.push({ position, row })
        else if (this.#decide(headerLeaf(leaf, header, scores)) === true) this.#take(found, position, scores)
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
      const value = this.#decide(known)
      if (value === undefined) left.push({ ...candidate, known })
      else if (value) this.#take(found, candidate.position, candidate.scores)
    }
    return left
  }

  /** Decides what the indexes leave open, in the order of the messages as far as they are read together. */
  async #readAll(open: readonly Candidate[], found: number[], done: number): Promise<void> {
    let behind = done
    const { services, signal } = this.#session
    const { account } = this.#view.mirror
    const byUid = new Map(open.map((candidate) => [candidate.uid, candidate]))
    const messages = await services.store.blobs(account, this.#view.mailbox.id, [...byUid.keys()])
    const indexOf = (uid: number) => (byUid.get(uid) as Candidate).index
    const isText = this.#text.isNeeded
    const isSmall = (uid: number) => !isText || indexOf(uid).size <= WHOLE_BYTES
    const headerOf = isText ? undefined : (uid: number) => headerRange(indexOf(uid))
    const small = messages.filter(([uid]) => isSmall(uid))
    // Of a message whose octets are damaged, the text matches nothing.
    for await (const batch of readMessages(services.blobs, small, () => {}, headerOf)) {
      signal.throwIfAborted()
      for (const [uid, octets] of batch) {
        const candidate = byUid.get(uid) as Candidate
        if (await this.#matches(candidate, octets)) this.#take(found, candidate.position, candidate.scores)
      }
      behind += batch.length
      this.#onProgress?.(behind)
    }
    for (const [uid, blob] of messages) {
      if (isSmall(uid)) continue
      signal.throwIfAborted()
      const candidate = byUid.get(uid) as Candidate
      if (await this.#matchesLarge(candidate, blob)) this.#take(found, candidate.position, candidate.scores)
      behind += 1
      this.#onProgress?.(behind)
    }
  }

  #candidate(uid: number, index: MessageIndex): Candidate | undefined {
    const position = this.#view.positionOf(uid)
    const row = this.#view.rowAt(position)
    if (row === -1) return undefined
    const place = { position, row }
    const { folded } = this.#view.mirror
    const scores = this.#scores()
    const fromIndex = new IndexLeaf(index, scores, (field, text) => folded.add(field, uid, text))
    const known: Leaf = (key) =>
      this.#state.answer(key, place) ?? this.#texts?.answer(key, uid) ?? fromIndex.answer(key)
    return { uid, position, index, known, scores }
  }

  async #matches(candidate: Candidate, octets: Buffer): Promise<boolean> {
    const { index, known, scores } = candidate
    const withHeader = this.#needsHeader ? headerLeaf(known, octets.subarray(0, headerRange(index).end), scores) : known
    return this.#decide(withHeader) ?? this.#matchesText({ octets, index }, withHeader, scores)
  }

  /** Reads the message as far as that is needed. A message that is gone by now does not match. */
  async #matchesLarge({ index, known, scores }: Candidate, blob: BlobRef): Promise<boolean> {
    const { services, signal } = this.#session
    try {
      const withHeader = this.#needsHeader
        ? headerLeaf(known, await services.blobs.read(blob, headerRange(index)), scores)
        : known
      const message = { blobs: services.blobs, blob, index, signal }
      return this.#decide(withHeader) ?? (await this.#matchesText(message, withHeader, scores))
    } catch (cause) {
      if (codeOf(cause) === 'NOT_FOUND') return false
      throw cause
    }
  }

  async #matchesText(message: ScannedMessage, known: Leaf, scores: FuzzyScores): Promise<boolean> {
    return this.#decide(await this.#text.answers(message, known, scores)) === true
  }
}

/** What the record of a message knows of a condition. */
function recordAnswer({ emailId, savedAt }: MessageRecord, key: LeafKey): boolean | undefined {
  if (key.kind === 'emailid') return emailId === key.id
  return key.kind === 'saved' ? holds(key.relation, dayOfInstant(savedAt), key.day) : undefined
}
