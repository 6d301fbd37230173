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
import { ChangeHorizon } from './change-horizon.ts'
import type { CacheBudget } from './kept/cache-budget.ts'
import { KeptHeads } from './kept/kept-heads.ts'
import { KeptIndexes } from './kept/kept-indexes.ts'
import { MessageColumns } from './message-columns.ts'
import { type MirrorListener, MirrorListeners } from './mirror-listeners.ts'
import { Refresh } from './refresh.ts'
import { FoldedTexts } from './search/folded-texts.ts'

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
  readonly #listeners = new MirrorListeners()
  readonly #horizon = new ChangeHorizon()
  readonly #refresh = new Refresh(() => this.#readChanges())
  #uidNext = 1
  #status: MailboxStatus | undefined
  /** Up to this UID a session of this worker has taken what was recent. */
  #recentTakenTo = 0
  #isDeleted = false
  #acl: Acl | undefined
  #isLoaded = false
  /** Heard, and not looked at yet. */
  #heard: MessageEvent[] = []
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
    return this.#horizon.completeTo
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
    return this.#listeners.add(owner, listener)
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
    if (flags.length > 0 || hasNew) this.#listeners.tell({ flags, hasNew }, owner)
  }

  /** Takes over that messages are gone. All views are told, the one that did it as well: it must say EXPUNGE. */
  applyExpunged(uids: readonly number[]): void {
    const expunged = uids.filter((uid) => this.columns.rowOf(uid, -1) !== -1)
    if (expunged.length === 0) return
    this.columns.remove(new Set(expunged))
    this.#listeners.tell({ expunged })
  }

  /** Resolves when every change that was committed before the call is in the columns. */
  refresh(): Promise<void> {
    return this.#refresh.run()
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
      this.#refresh.spoil()
    } else if (!this.#isKnown(event)) {
      this.#horizon.missAfter(event.modSeq - 1n)
      this.#background(this.refresh())
    }
    // Events come in the order of their commits: with this one in the columns, all before it are.
    if (!this.#refresh.isRunning && this.#horizon.isGapless) this.#horizon.reach(event.modSeq)
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
    this.#listeners.tell({ isDeleted: this.#isDeleted })
  }

  /** @param mailbox as it was read just now; when its access control list is another, ours is read anew */
  async expectAcl(mailbox: Mailbox): Promise<void> {
    if (!isSameAcl(mailbox.acl, this.#acl)) await this.#checkMailbox()
  }

  async #load(): Promise<void> {
    const status = await this.#readStatus()
    this.#horizon.startAt(status.highestModSeq)
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
    const since = this.#horizon.takeGap(highestModSeq)
    if (since === undefined) return
    let changes: Changes
    try {
      changes = await this.#store.changesSince(this.account, this.mailbox.id, since)
    } catch (cause) {
      this.#horizon.missAfter(since)
      throw cause
    }
    if (changes.isComplete) {
      this.applyExpunged(changes.vanished)
      this.applyStates(changes.changed)
    } else {
      await this.#reload()
    }
    this.#horizon.reach(changes.highestModSeq)
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
}

/** Lists of a few entries, nearly always none. */
function isSameAcl(one: Acl | undefined, other: Acl | undefined): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
