import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MessageIndex, MessageRecord } from 'mailserver'
import type { MailboxView } from '../mailbox-view.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { fetchHead } from '../uid-only.ts'
import type { SectionItem } from '../wire/fetch-items.ts'
import { DamagedMessages } from './damaged-messages.ts'
import type { FetchRequest } from './fetch-request.ts'
import { HeaderSection, isHeadersOnly } from './header-sections.ts'
import { inOrderOf } from './in-order-of.ts'
import { tellIndexItems } from './index-items.ts'
import { loadAhead } from './load-ahead.ts'
import { markSeen } from './mark-seen.ts'
import { type StateItem, stateFormatter } from './plain-items.ts'
import { readMessages } from './read-messages.ts'
import { formatRecord } from './record-items.ts'
import { type MessageToRead, WHOLE_BYTES } from './section-reader.ts'
import { tellSections } from './tell-sections.ts'

/** Messages that are answered before others get their turn. */
const STATE_BATCH = 2000
const INDEX_BATCH = 10_000
const SECTION_BATCH = 200
const WHOLE_BATCH = 1000
const HEADER_BATCH = 2000

/**
 * Sends the FETCH responses for these positions, in their order. A message that is gone, though its client does not know yet, is left out.
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
    const { out } = this.#session
    const uids = this.#view.uidsAt(positions)
    let told = 0
    // Where in the batch the message is: they come in its order.
    let at = 0
    for await (const batch of this.#view.mirror.indexes.of(uids)) {
      for (const [uid, index] of batch) {
        while (at < uids.length && uids[at] !== uid) at += 1
        const position = positions[at] as number
        const row = this.#view.rowAt(position)
        if (row === -1) continue
        told += 1
        this.#begin(position, row, false)
        tellIndexItems(out, this.#request.index, index, this.#isBare)
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
    const messages = inOrderOf(uids, await services.store.blobs(account, view.mailbox.id, uids))
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
    const { columns, heads } = view.mirror
    const uids = view.uidsAt(positions)
    const seen = await this.#setSeen(uids)
    const sections = this.#request.sections.map((item) => new HeaderSection(item))
    const labels = this.#request.sections.map(({ label }) => `${label} {`)
    const long: number[] = []
    let told = 0
    // Where in the batch the message is: they come in its order.
    let at = 0
    for await (const batch of heads.of(uids, services.blobs, (uid) => this.damaged.push(uid))) {
      signal.throwIfAborted()
      for (const [uid, head] of batch) {
        while (at < uids.length && uids[at] !== uid) at += 1
        const position = positions[at] as number
        const row = view.rowAt(position)
        if (row === -1) continue
        const size = columns.sizeAt(row)
        const lengths = sections.map((section) => section.take(head, size))
        if (lengths.includes(undefined)) {
          long.push(position)
          continue
        }
        told += 1
        this.#begin(position, row, seen.has(uid))
        let gap = this.#isBare && !seen.has(uid) ? '' : ' '
        for (const [place, section] of sections.entries()) {
          out.text(`${gap}${labels[place]}${lengths[place]}}\r\n`)
          section.tell(out)
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
    const records = inOrderOf(uids, await services.store.records(account, mailbox, uids))
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
    for await (const [message, loaded] of loadAhead(services.blobs, this.#request.sections, wanted)) {
      const { uid } = message.record
      const position = view.positionOf(uid)
      const row = view.rowAt(position)
      if (loaded === 'damaged') this.damaged.push(uid)
      if (loaded === 'gone' || loaded === 'damaged' || row === -1) continue
      told += 1
      this.#begin(position, row, seen.has(uid))
      const isFirst = this.#isBare && !seen.has(uid)
      if (message.index !== undefined) tellIndexItems(out, this.#request.index, message.index, isFirst)
      await tellSections(this.#session, this.#request.sections, loaded, isFirst && this.#request.index.length === 0)
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

  /** @returns UIDs of the messages that become seen by this */
  async #setSeen(uids: readonly number[]): Promise<ReadonlySet<number>> {
    return this.#request.setsSeen ? markSeen(this.#session, uids) : NONE
  }
}

const NONE: ReadonlySet<number> = new Set()
