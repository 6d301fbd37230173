import { codeOf } from '../../errors/mail-error.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRef } from '../blob-store.ts'
import type { AccountId, Mailbox, MailboxEvent, MailboxId, MailStore, StateColumns } from '../mail-store.ts'
import type { IndexBatch, SearchDocument, SearchIndex } from '../search-index.ts'
import type { StoreContext } from '../store-context.ts'
import { accountsIn } from '../verify/accounts-in.ts'
import { withSnapshot } from '../with-snapshot.ts'
import { Pace } from './pace.ts'
import { isLost, readBlobs } from './read-blobs.ts'
import { type SearchText, searchText } from './search-text.ts'

/** How often new accounts are looked for. */
const LISTING_MS = 60_000
/** How often every account is looked at, whether something happened in it or not: an index may have been thrown away. */
const ROUND_MS = 3_600_000
/** How long an account is left alone whose index failed, on a full disk perhaps: its mail would be read over and over. */
const RETRY_MS = 30_000
/** Messages that are looked up at a time, and how large each may be to be read whole. */
const READ_AT_ONCE = 200
const WHOLE_BYTES = 256 * 1024
/** Characters after which a batch is handed over. A larger one is less work for an index, a smaller one less memory. */
const BATCH_CHARACTERS = 2 * 1024 * 1024
/** What a message counts beside its text, or without one. */
const MESSAGE_CHARACTERS = 512
/** Characters after which others get their turn: decoding keeps the loop busy for some milliseconds. */
const TURN_CHARACTERS = 256 * 1024

type OnIndexed = (messages: number) => void

/** What has to be looked at of an account: everything, or mailboxes, perhaps because messages have gone. */
interface Due {
  isAll: boolean
  notBefore: number
  readonly mailboxes: Map<MailboxId, { hasGone: boolean }>
}

/** Keeps a search index up to the mail of the whole store. One feed works at a time. */
export class IndexFeed {
  readonly #context: StoreContext
  readonly #store: MailStore
  readonly #index: SearchIndex
  readonly #pace: Pace
  readonly #watched = new Map<AccountId, () => void>()
  readonly #due = new Map<AccountId, Due>()
  #listAt = Number.NEGATIVE_INFINITY
  #roundAt = Number.NEGATIVE_INFINITY

  constructor(context: StoreContext, store: MailStore, index: SearchIndex) {
    this.#context = context
    this.#store = store
    this.#index = index
    this.#pace = new Pace(context.clock)
  }

  /** Takes in what has come and lets go of what has gone since the last turn; at the first, of everything. */
  async turn(signal: AbortSignal): Promise<void> {
    if (this.#context.clock.now() >= this.#listAt) await this.#listAccounts()
    const faults: unknown[] = []
    for (const [account, due] of [...this.#due]) {
      signal.throwIfAborted()
      if (due.notBefore > this.#context.clock.now()) continue
      this.#due.delete(account)
      try {
        await this.#account(account, due, signal)
      } catch (cause) {
        const again = this.#dueOf(account)
        again.isAll = true
        again.notBefore = this.#context.clock.now() + RETRY_MS
        faults.push(cause)
      }
    }
    // The others have had their turn.
    if (faults.length > 0) throw faults[0]
  }

  /**
   * Throws away what the index has of the account and makes it anew. Safe beside a feed that works.
   * @param onIndexed told of the messages that were looked at, a batch at a time
   */
  async rebuild(account: AccountId, signal: AbortSignal, onIndexed: OnIndexed): Promise<void> {
    await this.#index.clear(account)
    // Whoever mail comes for: all want the same processor and the same disk.
    const stops = (await this.#accounts()).map((one) =>
      this.#store.watch(one, ({ kind }) => {
        if (kind === 'appended') this.#pace.heard()
      }),
    )
    try {
      await this.#account(account, { isAll: true, notBefore: 0, mailboxes: new Map() }, signal, onIndexed)
    } finally {
      for (const stop of stops) stop()
    }
  }

  close(): void {
    for (const stop of this.#watched.values()) stop()
    this.#watched.clear()
    this.#due.clear()
  }

  async #listAccounts(): Promise<void> {
    const isRound = this.#context.clock.now() >= this.#roundAt
    if (isRound) this.#roundAt = this.#context.clock.now() + ROUND_MS
    const accounts = new Set(await this.#accounts())
    // Those that went while no feed looked are known to nobody else.
    if (isRound) await this.#index.retainAccounts([...accounts])
    for (const account of accounts) {
      if (isRound) this.#dueOf(account).isAll = true
      if (this.#watched.has(account)) continue
      this.#watched.set(
        account,
        this.#store.watch(account, (event) => this.#heard(account, event)),
      )
      this.#dueOf(account).isAll = true
    }
    for (const [account, stop] of [...this.#watched]) {
      if (accounts.has(account)) continue
      stop()
      this.#watched.delete(account)
      this.#due.delete(account)
      await this.#index.clear(account)
    }
    this.#listAt = this.#context.clock.now() + LISTING_MS
  }

  #accounts(): Promise<readonly AccountId[]> {
    return withSnapshot(this.#context.engine, (view) => accountsIn(view, ['mail-account']))
  }

  #heard(account: AccountId, event: MailboxEvent): void {
    if (event.kind === 'mailboxes') this.#dueOf(account).isAll = true
    if (event.kind === 'appended') this.#pace.heard()
    if (event.kind !== 'appended' && event.kind !== 'expunged') return
    const { mailboxes } = this.#dueOf(account)
    const hasGone = event.kind === 'expunged' || mailboxes.get(event.mailbox)?.hasGone === true
    mailboxes.set(event.mailbox, { hasGone })
  }

  #dueOf(account: AccountId): Due {
    let due = this.#due.get(account)
    if (due === undefined) {
      due = { isAll: false, notBefore: 0, mailboxes: new Map() }
      this.#due.set(account, due)
    }
    return due
  }

  async #account(account: AccountId, due: Due, signal: AbortSignal, onIndexed?: OnIndexed): Promise<void> {
    const mailboxes = await this.#store.mailboxes(account)
    if (due.isAll) {
      const ids = mailboxes.map(({ id }) => id)
      await this.#index.retainMailboxes(account, ids)
    }
    for (const mailbox of mailboxes) {
      const one = due.mailboxes.get(mailbox.id)
      if (!due.isAll && one === undefined) continue
      try {
        await this.#mailbox(account, mailbox, due.isAll || one?.hasGone === true, signal, onIndexed)
      } catch (cause) {
        // Deleted meanwhile.
        if (codeOf(cause) !== 'MAILBOX_NOT_FOUND') throw cause
      }
    }
  }

  async #mailbox(
    account: AccountId,
    mailbox: Mailbox,
    hasGone: boolean,
    signal: AbortSignal,
    onIndexed?: OnIndexed,
  ): Promise<void> {
    const columns = await this.#store.columns(account, mailbox.id)
    const uids = columns.uids.slice(0, columns.count)
    const { through } = await this.#index.coverage(account, mailbox)
    if (hasGone && through > 0) await this.#index.retain(account, mailbox, uids)
    const first = uids.findIndex((uid) => uid > through)
    if (first === -1) return
    const unseen = { uids: uids.subarray(first), sizes: columns.sizes.subarray(first) }
    let after = through
    this.#pace.begin()
    for await (const batch of this.#batches(account, mailbox.id, unseen, signal)) {
      signal.throwIfAborted()
      await this.#index.index(account, mailbox, after, batch)
      await this.#pace.turn(signal)
      after = batch.through
      onIndexed?.(batch.documents.length + batch.copies.length + batch.skipped.length)
    }
  }

  async *#batches(
    account: AccountId,
    mailbox: MailboxId,
    { uids, sizes }: Pick<StateColumns, 'uids' | 'sizes'>,
    signal: AbortSignal,
  ): AsyncIterable<IndexBatch> {
    let batch: Collected = { documents: [], copies: [], skipped: [], through: 0 }
    let [characters, sinceTurn] = [0, 0]
    for (let from = 0; from < uids.length; from += READ_AT_ONCE) {
      // Of some only: whatever there is for each message of a mailbox grows with it.
      const some = new Map<number, number>()
      for (const [at, uid] of uids.subarray(from, from + READ_AT_ONCE).entries())
        some.set(uid, Number(sizes[from + at]))
      for await (const { uid, id, text } of this.#texts(account, mailbox, some, signal)) {
        batch.through = uid
        if (id === undefined) continue
        if (text === 'known') batch.copies.push({ uid, id })
        else if (text === undefined) batch.skipped.push(uid)
        else batch.documents.push({ uid, id, ...text })
        const length = typeof text === 'object' ? text.header.length + text.body.length : 0
        characters += MESSAGE_CHARACTERS + length
        sinceTurn += length
        if (sinceTurn >= TURN_CHARACTERS) {
          await this.#pace.turn(signal)
          sinceTurn = 0
        }
        if (characters < BATCH_CHARACTERS) continue
        yield batch
        batch = { documents: [], copies: [], skipped: [], through: 0 }
        characters = 0
      }
    }
    if (batch.through > 0) yield batch
  }

  /** Reads the texts of these messages, in their order. @param sizes by UID */
  async *#texts(
    account: AccountId,
    mailbox: MailboxId,
    sizes: ReadonlyMap<number, number>,
    signal: AbortSignal,
  ): AsyncIterable<ReadText> {
    const uids = [...sizes.keys()]
    const blobs = new Map(await this.#store.blobs(account, mailbox, uids))
    // A store that lost its last commits may give a reference anew: with the size it is hardly the same.
    const ids = new Map(Array.from(blobs, ([uid, blob]) => [uid, `${blob} ${sizes.get(uid)}`]))
    const known = await this.#index.known(account, [...new Set(ids.values())])
    const unknown = [...blobs.keys()].filter((uid) => !known.has(ids.get(uid) as string))
    const indexes = new Map<number, MessageIndex>()
    for await (const batch of this.#store.indexes(account, mailbox, unknown)) {
      for (const [uid, index] of batch) indexes.set(uid, index)
    }
    const isSmall = (uid: number) => (indexes.get(uid)?.size ?? Number.POSITIVE_INFINITY) <= WHOLE_BYTES
    const small = readBlobs(
      this.#context.blobs,
      uids.filter(isSmall).map((uid) => blobs.get(uid) as BlobRef),
    )
    try {
      for (const uid of uids) {
        const id = ids.get(uid)
        if (id === undefined) yield { uid }
        else if (known.has(id)) yield { uid, id, text: 'known' }
        else {
          const octets = isSmall(uid) ? (await small.next()).value : undefined
          const index = indexes.get(uid)
          const text = await this.#textOf(blobs.get(uid) as BlobRef, index, octets, signal)
          yield { uid, id, ...(text !== undefined && { text }) }
        }
      }
    } finally {
      // Whoever takes the texts may have had enough.
      await small.return(undefined)
    }
  }

  /** undefined for what cannot be read or is too long. */
  async #textOf(
    blob: BlobRef,
    index: MessageIndex | undefined,
    octets: Buffer | undefined,
    signal: AbortSignal,
  ): Promise<SearchText | undefined> {
    if (index === undefined) return undefined
    if (octets !== undefined) return searchText({ octets, index })
    if (index.size <= WHOLE_BYTES) return undefined
    try {
      return await searchText({ blobs: this.#context.blobs, blob, index, signal })
    } catch (cause) {
      if (isLost(cause)) return undefined
      throw cause
    }
  }
}

interface ReadText {
  readonly uid: number
  /** Absent for a message that is gone. */
  readonly id?: string
  /** `known`: the index has it. Absent for what cannot be read or is too long. */
  readonly text?: SearchText | 'known'
}

interface Collected extends IndexBatch {
  readonly documents: SearchDocument[]
  readonly copies: { uid: number; id: string }[]
  readonly skipped: number[]
  through: number
}
