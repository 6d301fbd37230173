import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MessageIndex, MessageRecord } from 'mailserver'
import type { MailboxView } from '../mailbox-view.ts'
import { threadIdOf } from '../object-ids.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { BrokenResponse } from '../session-end.ts'
import { fetchHead } from '../uid-only.ts'
import { tellKeywords } from '../updates.ts'
import type { SectionItem } from '../wire/fetch-items.ts'
import { formatUtf8 } from '../wire/strings.ts'
import { DamagedMessages } from './damaged-messages.ts'
import type { DecodedPart } from './decoded-part.ts'
import type { FetchRequest, IndexItem } from './fetch-request.ts'
import { HEAD_RANGE, headerIn, headerSections, isHeadersOnly } from './header-sections.ts'
import { type StateItem, stateFormatter } from './plain-items.ts'
import { readMessages } from './read-messages.ts'
import { formatRecord } from './record-items.ts'
import {
  type LoadedMessage,
  type LoadedSection,
  load,
  type MessageToRead,
  planReading,
  WHOLE_BYTES,
} from './section-reader.ts'

/** Messages that are answered before others get their turn. */
const STATE_BATCH = 2000
const INDEX_BATCH = 10_000
const SECTION_BATCH = 200
const WHOLE_BATCH = 1000
const HEADER_BATCH = 2000
/** Octets that are read ahead of the message that is being sent. */
const AHEAD_BYTES = 2 * 1024 * 1024
const AHEAD_MESSAGES = 32

/**
 * Sends the FETCH responses for these positions. A message that is gone, though its client does not know yet, is left out.
 * @returns how many are gone
 * @throws DamagedMessages once all others are sent
 */
export async function fetchMessages(session: Session, positions: Uint32Array, request: FetchRequest): Promise<number> {
  const fetcher = new Fetcher(session, request)
  const size = batchSize(request)
  const progress = new Progress(session, positions.length)
  for (let from = 0; from < positions.length; from += size) {
    await fetcher.batch(positions.subarray(from, from + size))
    session.signal.throwIfAborted()
    if (from + size >= positions.length) break
    progress.tell(from + size)
    await nextTurn()
  }
  if (fetcher.damaged.length > 0) throw new DamagedMessages(fetcher.damaged)
  return fetcher.gone
}

function batchSize(request: FetchRequest): number {
  if (isWhole(request)) return WHOLE_BATCH
  if (isHeadersOnly(request)) return HEADER_BATCH
  if (request.sections.length > 0) return SECTION_BATCH
  return request.index.length > 0 ? INDEX_BATCH : STATE_BATCH
}

/** Whole messages and nothing that needs their indexes: what a client asks for that copies a mailbox. */
function isWhole({ sections, needsIndex }: FetchRequest): boolean {
  return (
    sections.length === 1 && !needsIndex && sections[0]?.partial === undefined && sections[0]?.decoded === undefined
  )
}

/** The positions whose messages changed after a mod-sequence (RFC 7162 section 3.1.4). */
export function changedAfter(view: MailboxView, positions: Uint32Array, modSeq: number): Uint32Array {
  return positions.filter((position) => {
    const row = view.rowAt(position)
    return row !== -1 && view.mirror.columns.modSeqAt(row) > modSeq
  })
}

class Fetcher {
  gone = 0
  /** UIDs of messages whose octets are damaged. */
  readonly damaged: number[] = []
  #toldDamaged = 0
  readonly #session: Session
  readonly #view: MailboxView
  readonly #request: FetchRequest
  readonly #state: ReturnType<typeof stateFormatter>
  readonly #stateWithFlags: ReturnType<typeof stateFormatter>
  /** Of the batch in hand, by UID. */
  #records: ReadonlyMap<number, string> | undefined

  constructor(session: Session, request: FetchRequest) {
    this.#session = session
    this.#view = session.selected
    this.#request = request
    this.#state = stateFormatter(request.state)
    this.#stateWithFlags = stateFormatter([...request.state, ...this.#seenItems()])
  }

  /** What is told of a message that becomes seen by this FETCH, beyond what was asked for. */
  #seenItems(): readonly StateItem[] {
    const told: readonly StateItem[] = this.#session.enabled.has('CONDSTORE') ? ['FLAGS', 'MODSEQ'] : ['FLAGS']
    return told.filter((item) => !this.#request.state.includes(item))
  }

  async batch(positions: Uint32Array): Promise<void> {
    const { index, sections, record } = this.#request
    if (record.length > 0) this.#records = await this.#recordTexts(positions)
    if (isWhole(this.#request) && this.#areSmall(positions)) await this.#wholes(positions)
    else if (isHeadersOnly(this.#request)) await this.#headers(positions)
    else if (sections.length > 0) {
      await this.#sections(positions, await this.#setSeen(this.#view.uidsAt(positions)))
    } else if (index.length > 0) await this.#indexes(positions)
    else await this.#states(positions)
  }

  async #states(positions: Uint32Array): Promise<void> {
    const { out, isUidOnly } = this.#session
    const view = this.#view
    for (const position of positions) {
      const row = view.rowAt(position)
      if (row === -1 || this.#records?.has(view.uidAt(position)) === false) this.gone += 1
      else if (this.#records === undefined)
        out.text(`* ${fetchHead(view, position, isUidOnly)}${this.#state(view, position, row)})\r\n`)
      else {
        this.#begin(position, row, false)
        out.text(')\r\n')
      }
      if (out.isFull) await out.room()
    }
  }

  async #indexes(positions: Uint32Array): Promise<void> {
    const { services, out } = this.#session
    const { account } = this.#view.mirror
    const uids = this.#view.uidsAt(positions)
    let told = 0
    for await (const batch of services.store.indexes(account, this.#view.mailbox.id, uids)) {
      for (const [uid, index] of batch) {
        const position = this.#view.positionOf(uid)
        const row = this.#view.rowAt(position)
        if (row === -1) continue
        told += 1
        this.#begin(position, row, false)
        this.#indexItems(index, this.#isBare)
        out.text(')\r\n')
        if (out.isFull) await out.room()
      }
    }
    this.gone += positions.length - told
  }

  #areSmall(positions: Uint32Array): boolean {
    const { columns } = this.#view.mirror
    return positions.every((position) => {
      const row = this.#view.rowAt(position)
      return row === -1 || columns.sizeAt(row) <= WHOLE_BYTES
    })
  }

  async #wholes(positions: Uint32Array): Promise<void> {
    const { services, signal, out } = this.#session
    const view = this.#view
    const { account } = view.mirror
    const uids = view.uidsAt(positions)
    const seen = await this.#setSeen(uids)
    const messages = await services.store.blobs(account, view.mailbox.id, uids)
    const { label } = this.#request.sections[0] as SectionItem
    let told = 0
    for await (const batch of readMessages(services.blobs, messages, (uid) => this.damaged.push(uid))) {
      signal.throwIfAborted()
      for (const [uid, octets] of batch) {
        const position = view.positionOf(uid)
        const row = view.rowAt(position)
        if (row === -1) continue
        told += 1
        this.#begin(position, row, seen.has(uid))
        const gap = this.#isBare && !seen.has(uid) ? '' : ' '
        out.text(`${gap}${label} {${octets.length}}\r\n`)
        out.octets(octets)
        out.text(')\r\n')
        if (out.isFull) await out.room()
      }
    }
    this.gone += positions.length - told - this.#newlyDamaged()
  }

  /** Headers are found in the first octets of the messages, without their indexes; those that are longer come last. */
  async #headers(positions: Uint32Array): Promise<void> {
    const { services, signal, out } = this.#session
    const view = this.#view
    const { account } = view.mirror
    const uids = view.uidsAt(positions)
    const seen = await this.#setSeen(uids)
    const messages = await services.store.blobs(account, view.mailbox.id, uids)
    const { sections } = this.#request
    const shown = headerSections(sections)
    const long: number[] = []
    let told = 0
    const onDamaged = (uid: number) => this.damaged.push(uid)
    for await (const batch of readMessages(services.blobs, messages, onDamaged, () => HEAD_RANGE)) {
      signal.throwIfAborted()
      for (const [uid, octets] of batch) {
        const position = view.positionOf(uid)
        const row = view.rowAt(position)
        if (row === -1) continue
        const header = headerIn(octets, view.mirror.columns.sizeAt(row))
        if (header === undefined) {
          long.push(position)
          continue
        }
        told += 1
        this.#begin(position, row, seen.has(uid))
        let gap = this.#isBare && !seen.has(uid) ? '' : ' '
        for (const [at, show] of shown.entries()) {
          const text = show(header)
          out.text(`${gap}${(sections[at] as SectionItem).label} {${text.length}}\r\n`)
          out.octets(text)
          gap = ' '
        }
        out.text(')\r\n')
        if (out.isFull) await out.room()
      }
    }
    this.gone += positions.length - long.length - told - this.#newlyDamaged()
    for (let from = 0; from < long.length; from += SECTION_BATCH) {
      await this.#sections(Uint32Array.from(long.slice(from, from + SECTION_BATCH)), seen)
    }
  }

  async #sections(positions: Uint32Array, seen: ReadonlySet<number>): Promise<void> {
    const { services, out } = this.#session
    const { account } = this.#view.mirror
    const view = this.#view
    const mailbox = view.mailbox.id
    const uids = view.uidsAt(positions)
    const records = await services.store.records(account, mailbox, uids)
    const indexes = new Map<number, MessageIndex>()
    if (this.#request.needsIndex) {
      for await (const batch of services.store.indexes(account, mailbox, uids)) {
        for (const [uid, index] of batch) indexes.set(uid, index)
      }
    }
    const wanted = records.flatMap((record): (MessageToRead & { record: MessageRecord })[] => {
      const index = indexes.get(record.uid)
      return this.#request.needsIndex && index === undefined ? [] : [{ record, index }]
    })
    let told = 0
    for await (const [message, loaded] of this.#loadAhead(wanted)) {
      const { uid } = message.record
      const position = view.positionOf(uid)
      const row = view.rowAt(position)
      if (loaded === 'damaged') this.damaged.push(uid)
      if (loaded === 'gone' || loaded === 'damaged' || row === -1) continue
      told += 1
      this.#begin(position, row, seen.has(uid))
      const isFirst = this.#isBare && !seen.has(uid)
      if (message.index !== undefined) this.#indexItems(message.index, isFirst)
      await this.#sectionItems(loaded, isFirst && this.#request.index.length === 0)
      out.text(')\r\n')
      if (out.isFull) await out.room()
    }
    this.gone += positions.length - told - this.#newlyDamaged()
  }

  /** How many more are damaged than when it was asked before: they are not gone. */
  #newlyDamaged(): number {
    const more = this.damaged.length - this.#toldDamaged
    this.#toldDamaged = this.damaged.length
    return more
  }

  /** Nothing stands in the response before what is read from the index or the message. */
  get #isBare(): boolean {
    return this.#request.state.length === 0 && this.#request.record.length === 0
  }

  async #recordTexts(positions: Uint32Array): Promise<ReadonlyMap<number, string>> {
    const { account } = this.#view.mirror
    const uids = this.#view.uidsAt(positions)
    const records = await this.#session.services.store.records(account, this.#view.mailbox.id, uids)
    return new Map(records.map((record) => [record.uid, formatRecord(this.#request.record, record)]))
  }

  /** Opens the response and says what the view knows. */
  #begin(position: number, row: number, isNewlySeen: boolean): void {
    const format = isNewlySeen ? this.#stateWithFlags : this.#state
    const { out, isUidOnly } = this.#session
    const state = format(this.#view, position, row)
    out.text(`* ${fetchHead(this.#view, position, isUidOnly)}${state}`)
    const record = this.#records?.get(this.#view.uidAt(position))
    if (record !== undefined) out.text(state === '' ? record : ` ${record}`)
    if (isNewlySeen) this.#view.forgetFlags(this.#view.uidAt(position))
  }

  #indexItems(index: MessageIndex, isFirst: boolean): void {
    const { out } = this.#session
    let gap = isFirst ? '' : ' '
    for (const item of this.#request.index) {
      out.text(`${gap}${item} `)
      out.octets(TEXTS[item](index))
      gap = ' '
    }
  }

  async #sectionItems(sections: readonly LoadedSection[], isFirst: boolean): Promise<void> {
    const { out } = this.#session
    let gap = isFirst ? '' : ' '
    for (const [at, item] of this.#request.sections.entries()) {
      const { label } = item
      const section = sections[at] as LoadedSection
      out.text(`${gap}${label} `)
      gap = ' '
      if (section.kind === 'missing') out.text(item.decoded === 'size' ? '0' : 'NIL')
      else if (section.kind === 'decoded') await this.#decoded(section.part, item)
      else if (section.kind === 'stream') await this.#stream(section)
      else {
        const octets = section.kind === 'octets' ? section.octets : await this.#unbroken(section.read())
        out.text(`{${octets.length}}\r\n`)
        out.octets(octets)
      }
    }
  }

  /** RFC 3516 section 4.3. The size has to be known first: the part is decoded once to count it. */
  async #decoded(part: DecodedPart, { decoded, partial }: SectionItem): Promise<void> {
    const { out } = this.#session
    const whole = await this.#unbroken(part.size())
    if (decoded === 'size') return out.text(`${whole}`)
    const from = Math.min(partial?.offset ?? 0, whole)
    const size = Math.min(partial?.length ?? whole, whole - from)
    // NUL may be among the octets: a literal8.
    out.text(`~{${size}}\r\n`)
    if (size > 0) await this.#copy(part.octets(from, size), size)
  }

  /** The response has begun: a fault of the store now breaks it. */
  async #unbroken<T>(reading: Promise<T>): Promise<T> {
    try {
      return await reading
    } catch (cause) {
      throw new BrokenResponse('a section could not be read', { cause })
    }
  }

  async #stream(section: LoadedSection & { kind: 'stream' }): Promise<void> {
    this.#session.out.text(`{${section.size}}\r\n`)
    const stream = section.open()
    try {
      await this.#copy(stream as AsyncIterable<Buffer>, section.size)
    } finally {
      stream.destroy()
    }
  }

  /** Sends the octets of a literal. @throws BrokenResponse when the store fails in the middle of it */
  async #copy(source: AsyncIterable<Buffer>, size: number): Promise<void> {
    const { out, signal } = this.#session
    let left = size
    try {
      for await (const chunk of source) {
        signal.throwIfAborted()
        left -= chunk.length
        out.octets(chunk)
        if (out.isFull) await out.room()
      }
    } catch (cause) {
      throw signal.aborted ? cause : new BrokenResponse('a message could not be read to its end', { cause })
    }
    if (left !== 0) throw new BrokenResponse(`a section has ${left} octets less than its index says`)
  }

  /** Marks messages as seen before they are sent. @returns those that were not */
  async #setSeen(uids: readonly number[]): Promise<ReadonlySet<number>> {
    const view = this.#view
    // RFC 4314 section 4: without the right the flag is left alone, and nobody is refused.
    if (!this.#request.setsSeen || !view.can('s')) return NONE
    const { mirror } = view
    const unseen = uids.filter((uid) => {
      const row = mirror.columns.rowOf(uid, -1)
      return row !== -1 && !mirror.columns.flagSets.get(mirror.columns.flagsAt(row)).lower.has('\\seen')
    })
    if (unseen.length === 0) return NONE
    const { services, out } = this.#session
    const { account } = this.#view.mirror
    const change = { mode: 'add', flags: ['\\Seen'] } as const
    const { changed } = await services.store.setFlags(account, view.mailbox.id, unseen, change)
    mirror.applyStates(changed, view)
    tellKeywords(view, out)
    return new Set(unseen)
  }

  /** Messages in order with their sections, the next ones being read while one is sent. */
  async *#loadAhead<M extends MessageToRead>(messages: readonly M[]): AsyncGenerator<[M, LoadedMessage]> {
    const { blobs } = this.#session.services
    const loading: { readonly loaded: Promise<LoadedMessage>; readonly cost: number }[] = []
    let octets = 0
    let ahead = 0
    for (const [at, message] of messages.entries()) {
      while (ahead < messages.length && ahead < at + AHEAD_MESSAGES) {
        const plan = planReading(this.#request.sections, messages[ahead] as M)
        if (ahead > at && octets + plan.cost > AHEAD_BYTES) break
        const loaded = load(blobs, plan)
        // When an earlier one fails, nobody waits for this one any more.
        loaded.catch(() => {})
        loading.push({ loaded, cost: plan.cost })
        octets += plan.cost
        ahead += 1
      }
      const { loaded, cost } = loading.shift() as (typeof loading)[number]
      yield [message, await loaded]
      octets -= cost
    }
  }
}

const NONE: ReadonlySet<number> = new Set()

function formatThreadId(index: MessageIndex): string {
  const id = threadIdOf(index)
  return id === undefined ? 'NIL' : `(${id})`
}

const TEXTS: Readonly<Record<IndexItem, (index: MessageIndex) => Buffer>> = {
  ENVELOPE: ({ envelope }) => envelope,
  BODY: ({ body }) => body,
  BODYSTRUCTURE: ({ bodyStructure }) => bodyStructure,
  // RFC 8970 section 3.1: nothing to read is an empty text, not NIL.
  PREVIEW: ({ preview = '' }) => Buffer.from(formatUtf8(preview), 'latin1'),
  THREADID: (index) => Buffer.from(formatThreadId(index)),
}
