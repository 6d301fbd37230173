import type {
  AccountId,
  Acl,
  Changes,
  Log,
  Mailbox,
  MailboxEvent,
  MailboxStatus,
  MailStore,
  MessageState,
} from 'mailserver'
import type { CacheBudget } from './kept/cache-budget.ts'
import { KeptHeads } from './kept/kept-heads.ts'
import { KeptIndexes } from './kept/kept-indexes.ts'
import { MessageColumns } from './message-columns.ts'
import { FoldedTexts } from './search/folded-texts.ts'

/** What changed in a mailbox, told to every view of it. UIDs in no particular order. */
export interface MirrorChange {
  readonly flags: readonly number[]
  readonly expunged: readonly number[]
  readonly hasNew: boolean
  /** The mailbox itself is gone. */
  readonly isDeleted: boolean
}

/** What a mirror follows. */
type MessageEvent = Exclude<MailboxEvent, { kind: 'metadata' }>

/** What all mirrors of a worker share. */
export interface MirrorServices {
  readonly store: MailStore
  readonly log: Log
  /** What they keep of indexes and headers that were read. */
  readonly readings: CacheBudget
  readonly texts: CacheBudget
}

export type MirrorListener = (change: MirrorChange) => void

/**
 * The messages of one mailbox as they are in the store. Shared by every session of this worker that has the mailbox
 * selected.
 */
export class MailboxMirror {
  readonly account: AccountId
  readonly mailbox: Mailbox
  readonly columns = new MessageColumns()
  /** What searches have read of its messages. */
  readonly folded: FoldedTexts
  readonly indexes: KeptIndexes
  readonly heads: KeptHeads
  readonly #store: MailStore
  readonly #log: Log
  readonly #listeners = new Map<object, MirrorListener>()
  #uidNext = 1
  #status: MailboxStatus | undefined
  /** Up to this UID a session of this worker has taken what was recent. */
  #recentTakenTo = 0
  /** Every change up to this one is in the columns; later ones may be. */
  #completeTo = 0n
  #refreshing: Promise<void> | undefined
  #isStale = false
  #isDeleted = false
  #acl: Acl | undefined
  #isLoaded = false
  /** Heard, and not looked at yet. */
  #heard: MessageEvent[] = []
  /** Before the first change that was heard of and is not in the columns yet. */
  #missingAfter: bigint | undefined
  #unwatch: (() => void) | undefined

  private constructor({ store, log, readings, texts }: MirrorServices, account: AccountId, mailbox: Mailbox) {
    this.#store = store
    this.folded = new FoldedTexts(texts)
    const count = () => this.columns.count
    this.indexes = new KeptIndexes(readings, (uids) => store.indexes(account, mailbox.id, uids), count)
    this.heads = new KeptHeads(readings, (uids) => store.blobs(account, mailbox.id, uids), count)
    this.account = account
    this.mailbox = mailbox
    this.#acl = mailbox.acl
    this.#log = log
  }

  /** Reads the mailbox and follows it from then on, until `close`. */
  static async open(services: MirrorServices, account: AccountId, mailbox: Mailbox): Promise<MailboxMirror> {
    const mirror = new MailboxMirror(services, account, mailbox)
    // Watching begins before the first read: what is committed in between is heard, or read, or both.
    mirror.#unwatch = services.store.watch(account, (event) => mirror.#onEvent(event))
    try {
      await mirror.#load()
    } catch (cause) {
      mirror.close()
      throw cause
    }
    return mirror
  }

  close(): void {
    this.#unwatch?.()
    this.#unwatch = undefined
    this.folded.clear()
    this.indexes.clear()
    this.heads.clear()
  }

  get uidNext(): number {
    return this.#uidNext
  }
  /** What the store said when all changes before were read last; undefined before that. */
  get status(): MailboxStatus | undefined {
    return this.#status
  }
  /** Every change up to this one is in the columns. */
  get highestModSeq(): bigint {
    return this.#completeTo
  }
  /** The access control list as it now is. */
  get acl(): Acl | undefined {
    return this.#acl
  }
  get isDeleted(): boolean {
    return this.#isDeleted
  }

  /**
   * Takes for one session what is `\Recent` up to the UID `last` (RFC 3501 section 2.3.2). Of many sessions that hear of the
   * same message, one asks the store.
   * @returns the first recent UID; beyond `last` when another session has them
   */
  async takeRecent(last: number): Promise<number> {
    const before = this.#recentTakenTo
    if (last <= before) return last + 1
    this.#recentTakenTo = last
    try {
      return await this.#store.firstRecentUid(this.account, this.mailbox.id, { take: true })
    } catch (cause) {
      if (this.#recentTakenTo === last) this.#recentTakenTo = before
      throw cause
    }
  }

  /** Hears of changes until removed. `listener`'s owner is left out of what it applies itself. */
  listen(owner: object, listener: MirrorListener): () => void {
    this.#listeners.set(owner, listener)
    return () => void this.#listeners.delete(owner)
  }

  /** Takes over what a command of `owner` did to flags; the others are told at once. */
  applyStates(states: readonly MessageState[], owner?: object): void {
    const { columns } = this
    const flags: number[] = []
    let hasNew = false
    for (const state of states) {
      const row = columns.rowOf(state.uid, columns.count)
      if (row !== -1) {
        if (columns.update(row, state)) flags.push(state.uid)
      } else if (state.uid >= this.#uidNext) {
        this.#add(state)
        hasNew = true
      }
    }
    if (flags.length > 0 || hasNew) this.#tell({ flags, expunged: [], hasNew, isDeleted: false }, owner)
  }

  /** Takes over that messages are gone. All views are told, the one that did it as well: it must say EXPUNGE. */
  applyExpunged(uids: readonly number[]): void {
    const expunged = uids.filter((uid) => this.columns.rowOf(uid, -1) !== -1)
    if (expunged.length === 0) return
    this.columns.remove(new Set(expunged))
    this.#tell({ flags: [], expunged, hasNew: false, isDeleted: false })
  }

  /** Resolves when every change that was committed before the call is in the columns. */
  async refresh(): Promise<void> {
    if (this.#refreshing !== undefined) {
      // The one that runs may have read before the change.
      this.#isStale = true
      await this.#refreshing
      return
    }
    this.#refreshing = this.#refreshUntilFresh()
    try {
      await this.#refreshing
    } finally {
      this.#refreshing = undefined
    }
  }

  async #refreshUntilFresh(): Promise<void> {
    do {
      this.#isStale = false
      await this.#readChanges()
    } while (this.#isStale)
  }

  /**
   * Events are looked at a turn of the loop later: what a session of this worker did has then been applied by the
   * session itself, and a burst costs one read.
   */
  #onEvent(event: MailboxEvent): void {
    if (event.kind === 'metadata' || (event.kind !== 'mailboxes' && event.mailbox !== this.mailbox.id)) return
    this.#heard.push(event)
    if (this.#heard.length === 1 && this.#isLoaded) setImmediate(this.#look)
  }

  readonly #look = (): void => {
    const events = this.#heard
    this.#heard = []
    if (this.#unwatch !== undefined) for (const event of events) this.#follow(event)
  }

  #follow(event: MessageEvent): void {
    if (event.kind === 'mailboxes') {
      this.#background(this.#checkMailbox())
      return
    }
    if (event.kind === 'expunged') {
      this.applyExpunged(event.uids)
      // A read that is under way may bring back what has just gone.
      this.#isStale = true
    } else if (!this.#isKnown(event)) {
      this.#missFrom(event.modSeq - 1n)
      this.#background(this.refresh())
    }
    // Events come in the order of their commits: with this one in the columns, all before it are.
    const isComplete = this.#refreshing === undefined && this.#missingAfter === undefined
    if (isComplete && event.modSeq > this.#completeTo) this.#completeTo = event.modSeq
  }

  #missFrom(modSeq: bigint): void {
    if (this.#missingAfter === undefined || modSeq < this.#missingAfter) this.#missingAfter = modSeq
  }

  /** A change that came from here has been applied already, and costs no read. */
  #isKnown(event: Exclude<MessageEvent, { kind: 'mailboxes' }>): boolean {
    const modSeq = Number(event.modSeq)
    return event.uids.every((uid) => {
      const row = this.columns.rowOf(uid, -1)
      // Gone again, or not there yet: only what is above all known UIDs can be new.
      return row === -1 ? uid < this.#uidNext : this.columns.modSeqAt(row) >= modSeq
    })
  }

  #background(work: Promise<void>): void {
    work.catch((err: unknown) => this.#log.error({ err, mailbox: this.mailbox.id }, 'a mailbox could not be followed'))
  }

  async #checkMailbox(): Promise<void> {
    const all = await this.#store.mailboxes(this.account)
    const found = all.find(({ id }) => id === this.mailbox.id)
    if (this.#isDeleted || (found !== undefined && isSameAcl(found.acl, this.#acl))) return
    this.#isDeleted = found === undefined
    this.#acl = found?.acl
    this.#tell({ flags: [], expunged: [], hasNew: false, isDeleted: this.#isDeleted })
  }

  /** @param mailbox as it was read just now; when its access control list is another, ours is read anew */
  async expectAcl(mailbox: Mailbox): Promise<void> {
    if (!isSameAcl(mailbox.acl, this.#acl)) await this.#checkMailbox()
  }

  async #load(): Promise<void> {
    const status = await this.#readStatus()
    this.#completeTo = status.highestModSeq
    const { columns } = this
    columns.take(await this.#store.columns(this.account, this.mailbox.id))
    const last = columns.count === 0 ? 0 : (columns.uids[columns.count - 1] as number)
    this.#uidNext = Math.max(last + 1, status.uidNext)
    this.#isLoaded = true
    // What came while it was read may be in the columns in part.
    if (this.#heard.length > 0) {
      await this.refresh()
      this.#look()
    }
  }

  async #readStatus(): Promise<MailboxStatus> {
    this.#status = await this.#store.status(this.account, this.mailbox.id)
    return this.#status
  }

  async #readChanges(): Promise<void> {
    const { highestModSeq } = await this.#readStatus()
    // Nearly always nothing has happened that was not heard of. A lower one comes from a backup that was restored.
    if (highestModSeq === this.#completeTo && this.#missingAfter === undefined) return
    const missing = this.#missingAfter
    this.#missingAfter = undefined
    const since = missing !== undefined && missing < this.#completeTo ? missing : this.#completeTo
    let changes: Changes
    try {
      changes = await this.#store.changesSince(this.account, this.mailbox.id, since)
    } catch (cause) {
      this.#missFrom(since)
      throw cause
    }
    if (changes.isComplete) {
      this.applyExpunged(changes.vanished)
      this.applyStates(changes.changed)
    } else {
      await this.#reload()
    }
    if (changes.highestModSeq > this.#completeTo) this.#completeTo = changes.highestModSeq
  }

  /** The log of changes is too short: compares with the whole mailbox. */
  async #reload(): Promise<void> {
    const { columns } = this
    const present = new Set<number>()
    for await (const batch of this.#store.states(this.account, this.mailbox.id)) {
      for (const { uid } of batch) present.add(uid)
      this.applyStates(batch)
    }
    this.applyExpunged(Array.from(columns.uids.subarray(0, columns.count)).filter((uid) => !present.has(uid)))
  }

  #add(state: MessageState): void {
    this.columns.add(state)
    this.#uidNext = Math.max(this.#uidNext, state.uid + 1)
  }

  #tell(change: MirrorChange, except?: object): void {
    for (const [owner, listener] of this.#listeners) if (owner !== except) listener(change)
  }
}

/** Lists of a few entries, nearly always none. */
function isSameAcl(one: Acl | undefined, other: Acl | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
