import type { AccountId, Log, Mailbox, MailboxEvent, MailStore, MessageState } from 'mailserver'
import { FlagSets } from './flag-sets.ts'

/** What changed in a mailbox, told to every view of it. UIDs in no particular order. */
export interface MirrorChange {
  readonly flags: readonly number[]
  readonly expunged: readonly number[]
  readonly hasNew: boolean
  /** The mailbox itself is gone. */
  readonly isDeleted: boolean
}

export type MirrorListener = (change: MirrorChange) => void

const FIRST_CAPACITY = 64
/** Known changes until the store is read all the same. */
const MAX_UNREAD = 2000

/**
 * The messages of one mailbox as they are in the store, in columns ordered by UID: 28 octets a message. Shared by every
 * session of this worker that has the mailbox selected. The UID column is never changed below `count` but replaced, so
 * that a view may go on with the one it has.
 */
export class MailboxMirror {
  readonly account: AccountId
  readonly mailbox: Mailbox
  readonly flagSets = new FlagSets()
  readonly #store: MailStore
  readonly #log: Log
  readonly #listeners = new Map<object, MirrorListener>()
  #uids = new Uint32Array(FIRST_CAPACITY)
  #flags = new Uint32Array(FIRST_CAPACITY)
  #sizes = new Uint32Array(FIRST_CAPACITY)
  #modSeqs = new Float64Array(FIRST_CAPACITY)
  #dates = new Float64Array(FIRST_CAPACITY)
  #count = 0
  #uidNext = 1
  /** Every change up to this one is in the columns; later ones may be. */
  #completeTo = 0n
  #refreshing: Promise<void> | undefined
  #isStale = false
  #isDeleted = false
  #isLoaded = false
  /** Heard, and not looked at yet. */
  #heard: MailboxEvent[] = []
  #unread = 0
  #unwatch: (() => void) | undefined

  private constructor(store: MailStore, account: AccountId, mailbox: Mailbox, log: Log) {
    this.#store = store
    this.account = account
    this.mailbox = mailbox
    this.#log = log
  }

  /** Reads the mailbox and follows it from then on, until `close`. */
  static async open(store: MailStore, account: AccountId, mailbox: Mailbox, log: Log): Promise<MailboxMirror> {
    const mirror = new MailboxMirror(store, account, mailbox, log)
    // Watching begins before the first read: what is committed in between is heard, or read, or both.
    mirror.#unwatch = store.watch(account, (event) => mirror.#onEvent(event))
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
  }

  get count(): number {
    return this.#count
  }
  /** Valid up to `count`. */
  get uids(): Uint32Array {
    return this.#uids
  }
  get uidNext(): number {
    return this.#uidNext
  }
  get isDeleted(): boolean {
    return this.#isDeleted
  }
  get highestModSeq(): number {
    let highest = Number(this.#completeTo)
    for (let at = 0; at < this.#count; at++) highest = Math.max(highest, this.#modSeqs[at] as number)
    return highest
  }

  /** Row of a UID, or -1. `hint` is where it probably is. */
  rowOf(uid: number, hint: number): number {
    if (hint < this.#count && this.#uids[hint] === uid) return hint
    const row = lowerBound(this.#uids, this.#count, uid)
    return row < this.#count && this.#uids[row] === uid ? row : -1
  }

  flagsAt(row: number): number {
    return this.#flags[row] as number
  }
  sizeAt(row: number): number {
    return this.#sizes[row] as number
  }
  dateAt(row: number): number {
    return this.#dates[row] as number
  }
  modSeqAt(row: number): number {
    return this.#modSeqs[row] as number
  }

  /** Hears of changes until removed. `listener`'s owner is left out of what it applies itself. */
  listen(owner: object, listener: MirrorListener): () => void {
    this.#listeners.set(owner, listener)
    return () => void this.#listeners.delete(owner)
  }

  /** Takes over what a command of `owner` did to flags; the others are told at once. */
  applyStates(states: readonly MessageState[], owner?: object): void {
    const flags: number[] = []
    let hasNew = false
    for (const state of states) {
      const row = this.rowOf(state.uid, this.#count)
      if (row !== -1) {
        if (this.#update(row, state)) flags.push(state.uid)
      } else if (state.uid >= this.#uidNext) {
        this.#add(state)
        hasNew = true
      }
    }
    if (flags.length > 0 || hasNew) this.#tell({ flags, expunged: [], hasNew, isDeleted: false }, owner)
  }

  /** Takes over that messages are gone. All views are told, the one that did it as well: it must say EXPUNGE. */
  applyExpunged(uids: readonly number[]): void {
    const expunged = uids.filter((uid) => this.rowOf(uid, this.#count) !== -1)
    if (expunged.length === 0) return
    this.#remove(new Set(expunged))
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
    if (event.kind !== 'mailboxes' && event.mailbox !== this.mailbox.id) return
    this.#heard.push(event)
    if (this.#heard.length === 1 && this.#isLoaded) setImmediate(this.#look)
  }

  readonly #look = (): void => {
    const events = this.#heard
    this.#heard = []
    if (this.#unwatch !== undefined) for (const event of events) this.#follow(event)
  }

  #follow(event: MailboxEvent): void {
    if (event.kind === 'mailboxes') {
      this.#background(this.#checkMailbox())
      return
    }
    if (this.#isKnown(event) && !this.#isFarBehind()) return
    if (event.kind === 'expunged') this.applyExpunged(event.uids)
    else this.#background(this.refresh())
  }

  /** A change that came from here has been applied already, and costs no read. */
  #isKnown(event: Exclude<MailboxEvent, { kind: 'mailboxes' }>): boolean {
    if (event.modSeq <= this.#completeTo) return true
    if (event.kind === 'expunged') return false
    const modSeq = Number(event.modSeq)
    return event.uids.every((uid) => {
      const row = this.rowOf(uid, this.#count)
      return row !== -1 && (this.#modSeqs[row] as number) >= modSeq
    })
  }

  /** Changes that were known move no mark; now and then one does, so that the next read is short. */
  #isFarBehind(): boolean {
    this.#unread = (this.#unread + 1) % MAX_UNREAD
    return this.#unread === 0
  }

  #background(work: Promise<void>): void {
    work.catch((err: unknown) => this.#log.error({ err, mailbox: this.mailbox.id }, 'a mailbox could not be followed'))
  }

  async #checkMailbox(): Promise<void> {
    const all = await this.#store.mailboxes(this.account)
    if (this.#isDeleted || all.some(({ id }) => id === this.mailbox.id)) return
    this.#isDeleted = true
    this.#tell({ flags: [], expunged: [], hasNew: false, isDeleted: true })
  }

  async #load(): Promise<void> {
    const status = await this.#store.status(this.account, this.mailbox.id)
    this.#completeTo = status.highestModSeq
    this.#grow(status.messages)
    for await (const batch of this.#store.states(this.account, this.mailbox.id)) {
      for (const state of batch) this.#add(state)
    }
    this.#uidNext = Math.max(this.#uidNext, status.uidNext)
    this.#isLoaded = true
    // What came while it was read may be in the columns in part.
    if (this.#heard.length > 0) {
      await this.refresh()
      this.#look()
    }
  }

  async #readChanges(): Promise<void> {
    const changes = await this.#store.changesSince(this.account, this.mailbox.id, this.#completeTo)
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
    const present = new Set<number>()
    for await (const batch of this.#store.states(this.account, this.mailbox.id)) {
      for (const { uid } of batch) present.add(uid)
      this.applyStates(batch)
    }
    this.applyExpunged(Array.from(this.#uids.subarray(0, this.#count)).filter((uid) => !present.has(uid)))
  }

  /** @returns false when the row is as new already */
  #update(row: number, state: MessageState): boolean {
    const modSeq = Number(state.modSeq)
    if ((this.#modSeqs[row] as number) >= modSeq) return false
    this.#modSeqs[row] = modSeq
    this.#flags[row] = this.flagSets.idOf(state.flags)
    return true
  }

  #add(state: MessageState): void {
    this.#grow(this.#count + 1)
    const row = this.#count
    this.#uids[row] = state.uid
    this.#flags[row] = this.flagSets.idOf(state.flags)
    this.#sizes[row] = state.size
    this.#modSeqs[row] = Number(state.modSeq)
    this.#dates[row] = state.internalDate
    this.#count += 1
    this.#uidNext = Math.max(this.#uidNext, state.uid + 1)
  }

  #grow(capacity: number): void {
    if (capacity <= this.#uids.length) return
    const length = Math.max(capacity, this.#uids.length * 2)
    this.#uids = copied(this.#uids, new Uint32Array(length))
    this.#flags = copied(this.#flags, new Uint32Array(length))
    this.#sizes = copied(this.#sizes, new Uint32Array(length))
    this.#modSeqs = copied(this.#modSeqs, new Float64Array(length))
    this.#dates = copied(this.#dates, new Float64Array(length))
  }

  #remove(uids: ReadonlySet<number>): void {
    const before = this.#uids
    this.#uids = new Uint32Array(before.length)
    let to = 0
    for (let from = 0; from < this.#count; from++) {
      const uid = before[from] as number
      if (uids.has(uid)) continue
      this.#uids[to] = uid
      this.#flags[to] = this.#flags[from] as number
      this.#sizes[to] = this.#sizes[from] as number
      this.#modSeqs[to] = this.#modSeqs[from] as number
      this.#dates[to] = this.#dates[from] as number
      to += 1
    }
    this.#count = to
  }

  #tell(change: MirrorChange, except?: object): void {
    for (const [owner, listener] of this.#listeners) if (owner !== except) listener(change)
  }
}

/** First index in a rising column whose value is not below `value`. */
export function lowerBound(column: Uint32Array, count: number, value: number): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((column[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low
}

function copied<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
