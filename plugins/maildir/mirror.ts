import type { AccountId, BlobRef, Clock, Engine, MailboxId, MailboxMirror, MirrorLoad, MirrorPlace } from 'mailserver'
import { Backlog, type BacklogLimits, type Waiting } from './backlog.ts'
import { formatMessageRef, isMessageRef } from './names/message-ref.ts'

/** What workers tell each other. */
export type MirrorMessage =
  /** Operations wait, so many; the last of them are written; so many are left, and why they cannot be written. */
  | readonly ['committed' | 'written', AccountId, MirrorLoad]
  | readonly ['waiting', AccountId, Waiting]
  /** Somebody looks at the account; it is watched; it is not any more. */
  | readonly ['attend' | 'hot' | 'cold', AccountId]
  /** Is there a keeper? Yes, and what waits it tells next. */
  | readonly ['who' | 'keeper', AccountId?]

const TOPIC = 'maildir'
/** A session does not wait longer for what other programs may have done. */
const ATTEND_MS = 2_000
/** So long a message waits at most for others to be written. */
const ROOM_MS = 10_000
const ROOM_POLL_MS = 20
/** A file's name has 255 octets at most, and room is needed for sizes and flags. */
const HOST_CHARACTERS = 100
/** So often the keeper hears that an account is still in use. */
const RENEW_MS = 30_000

export interface MirrorParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly hostname: string
  readonly worker: number
  readonly limits: BacklogLimits
  /** Told when a commit was not taken because too much waits. */
  readonly onRefusal?: () => void
}

/** The worker's side of the Maildirs: names messages, and asks the keeper, which may be in another worker. */
export class Mirror implements MailboxMirror {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #suffix: string
  readonly #listeners = new Set<(message: MirrorMessage) => void>()
  /** Accounts that the keeper watches, and when we last said that they are in use. */
  readonly #hot = new Map<AccountId, number>()
  readonly #waiting = new Map<AccountId, { promise: Promise<void>; resolve: () => void }>()
  readonly #watched = new Map<AccountId, { count: number; cancel: () => void }>()
  #hasKeeper = false
  #isStopped = false
  #sequence = 0
  #unwatch = () => {}
  /** What waits to be written. */
  readonly backlog: Backlog
  readonly #onRefusal: () => void

  constructor(parts: MirrorParts) {
    this.backlog = new Backlog(parts.limits)
    this.#onRefusal = parts.onRefusal ?? (() => {})
    this.#engine = parts.engine
    this.#clock = parts.clock
    const host = parts.hostname.replace(/[^A-Za-z0-9.-]/g, '_').slice(0, HOST_CHARACTERS)
    this.#suffix = `P${process.pid}W${parts.worker}.${host}`
  }

  start(): void {
    this.#unwatch = this.#engine.watch(TOPIC, (text) => this.#hear(JSON.parse(text) as MirrorMessage))
    this.tell(['who'])
  }

  stop(): void {
    this.#isStopped = true
    this.#unwatch()
    for (const { cancel } of this.#watched.values()) cancel()
    this.#watched.clear()
    for (const { resolve } of this.#waiting.values()) resolve()
  }

  refFor({ account, mailbox, size, internalDate }: MirrorPlace): BlobRef {
    this.#sequence += 1
    // Seconds, then what makes it unique: time, process, worker and a count, as the Maildir page has it.
    const seconds = Math.max(0, Math.floor(internalDate / 1000))
    const micros = process.hrtime.bigint() % 1_000_000_000_000n
    const key = `${seconds}.M${micros}Q${this.#sequence}${this.#suffix}`
    return formatMessageRef({ account, mailbox: mailbox as MailboxId, size, key })
  }

  holds(ref: BlobRef): boolean {
    return isMessageRef(ref)
  }

  async room(account: AccountId): Promise<void> {
    const until = this.#clock.now() + ROOM_MS
    while (this.backlog.isCrowded(account) && this.#clock.now() < until && !this.#isStopped) {
      await this.#clock.sleep(ROOM_POLL_MS)
    }
  }

  admit(account: AccountId, kind: 'message' | 'change', load: MirrorLoad): void {
    try {
      this.backlog.admit(account, kind, load)
    } catch (error) {
      this.#onRefusal()
      throw error
    }
  }

  committed(account: AccountId, load: MirrorLoad): void {
    this.tell(['committed', account, load])
  }

  async attend(account: AccountId): Promise<void> {
    if (!this.#hasKeeper) return
    const now = this.#clock.now()
    const told = this.#hot.get(account)
    if (told !== undefined) {
      if (now - told < RENEW_MS) return
      this.#hot.set(account, now)
      this.tell(['attend', account])
      return
    }
    const waiting = this.#waiting.get(account) ?? this.#wait(account)
    await waiting.promise
  }

  watch(account: AccountId): () => void {
    const watched = this.#watched.get(account)
    if (watched !== undefined) watched.count += 1
    else this.#watched.set(account, { count: 1, cancel: this.#renew(account) })
    let isOver = false
    return () => {
      const current = this.#watched.get(account)
      if (isOver || current === undefined) return
      isOver = true
      current.count -= 1
      if (current.count > 0) return
      current.cancel()
      this.#watched.delete(account)
    }
  }

  tell(message: MirrorMessage): void {
    this.#engine.publish(TOPIC, JSON.stringify(message))
  }

  /** Hears every message, those of this worker too. */
  listen(listener: (message: MirrorMessage) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #hear(message: MirrorMessage): void {
    this.#count(message)
    const [kind, account] = message
    if (kind === 'keeper') {
      // A new one watches nothing yet.
      this.#hasKeeper = true
      this.#hot.clear()
      for (const watched of this.#watched.keys()) this.tell(['attend', watched])
    } else if (kind === 'hot' && account !== undefined) {
      this.#hot.set(account, this.#clock.now())
      this.#waiting.get(account)?.resolve()
    } else if (kind === 'cold' && account !== undefined) {
      this.#hot.delete(account)
      if (this.#watched.has(account)) this.tell(['attend', account])
    }
    for (const listener of this.#listeners) listener(message)
  }

  #count(message: MirrorMessage): void {
    if (message[0] === 'keeper') this.backlog.clear()
    else if (message[0] === 'committed') this.backlog.add(message[1], message[2])
    else if (message[0] === 'waiting') this.backlog.set(message[1], message[2])
    else if (message[0] === 'written') {
      const { operations, bytes } = message[2]
      this.backlog.add(message[1], { operations: -operations, bytes: -bytes })
    }
  }

  #wait(account: AccountId): { promise: Promise<void> } {
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = this.#clock.after(ATTEND_MS, () => resolve())
    const done = () => {
      cancel()
      this.#waiting.delete(account)
      resolve()
    }
    this.#waiting.set(account, { promise, resolve: done })
    void promise.then(() => this.#waiting.delete(account))
    this.tell(['attend', account])
    return { promise }
  }

  #renew(account: AccountId): () => void {
    this.tell(['attend', account])
    let cancel = () => {}
    const again = () => {
      cancel = this.#clock.after(RENEW_MS, () => {
        this.tell(['attend', account])
        again()
      })
    }
    again()
    return () => cancel()
  }
}
