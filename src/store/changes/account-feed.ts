import type { AccountId, MailboxEvent } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'
import { readChanges, toEvent } from './change-log.ts'
import { type Notice, noticeTopic, parseNotice } from './notice.ts'

type Listener = (event: MailboxEvent) => void

/**
 * Events of one account for all its sessions in this worker, each once and in commit order. Notices of several workers
 * can overtake each other on their way; each names the MODSEQ before it, so a gap is seen, and filled from the log.
 */
class AccountFeed {
  readonly #context: StoreContext
  readonly #account: AccountId
  readonly #listeners = new Set<Listener>()
  readonly #waiting: Notice[] = []
  #isBusy = false
  /** MODSEQ before the first notice: what lies at or under it is older than this feed. */
  #start: bigint | undefined
  #last = 0n
  readonly end: () => void

  constructor(context: StoreContext, account: AccountId) {
    this.#context = context
    this.#account = account
    const unwatch = context.engine.watch(noticeTopic(account), (message) => this.#receive(message))
    const unwatchMirror = context.mirror?.watch(account)
    this.end = () => {
      unwatch()
      unwatchMirror?.()
    }
  }

  get isEmpty(): boolean {
    return this.#listeners.size === 0
  }

  add(listener: Listener): void {
    this.#listeners.add(listener)
  }

  delete(listener: Listener): void {
    this.#listeners.delete(listener)
  }

  #receive(message: string): void {
    this.#waiting.push(parseNotice(message))
    if (!this.#isBusy) void this.#work()
  }

  async #work(): Promise<void> {
    this.#isBusy = true
    for (let notice = this.#waiting.shift(); notice !== undefined; notice = this.#waiting.shift()) {
      // Runs without a wait as long as nothing was missed, so that events arrive in the turn of their notice.
      const missing = this.#take(notice)
      if (missing !== undefined) await this.#fill(missing, notice)
    }
    this.#isBusy = false
  }

  /** Delivers the notice, or says after which MODSEQ the log must be read. */
  #take(notice: Notice): bigint | undefined {
    if (this.#start === undefined) {
      this.#start = notice.previous
      this.#last = notice.previous
    }
    // Overtaken by the very notice this feed began with: nothing has told of it yet, and nothing will.
    if (notice.modSeq <= this.#start) return notice.changes === undefined ? notice.previous : this.#deliver(notice)
    if (notice.modSeq <= this.#last) return undefined
    if (notice.previous !== this.#last || notice.changes === undefined) return this.#last
    this.#last = notice.modSeq
    return this.#deliver(notice)
  }

  #deliver(notice: Notice): undefined {
    for (const change of notice.changes ?? []) this.#emit(toEvent(change))
  }

  async #fill(after: bigint, notice: Notice): Promise<void> {
    try {
      for await (const change of readChanges(this.#context.engine, this.#account, after, notice.modSeq)) {
        this.#emit(toEvent(change))
      }
    } catch (err) {
      this.#context.log.error({ account: this.#account, err }, 'changes of an account could not be read back')
      this.#deliver(notice)
    }
    if (notice.modSeq > this.#last) this.#last = notice.modSeq
  }

  #emit(event: MailboxEvent): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event)
      } catch (err) {
        this.#context.log.error({ account: this.#account, err }, 'a watcher of an account failed')
      }
    }
  }
}

/** The feeds of this worker: one for each account that somebody watches. */
export class AccountFeeds {
  readonly #context: StoreContext
  readonly #feeds = new Map<AccountId, AccountFeed>()

  constructor(context: StoreContext) {
    this.#context = context
  }

  watch(account: AccountId, listener: Listener): () => void {
    const feed = this.#feeds.get(account) ?? new AccountFeed(this.#context, account)
    this.#feeds.set(account, feed)
    // A wrapper, so that one function that watches twice is told twice, and ended one by one.
    const own: Listener = (event) => listener(event)
    feed.add(own)
    return () => {
      feed.delete(own)
      if (!feed.isEmpty || this.#feeds.get(account) !== feed) return
      this.#feeds.delete(account)
      feed.end()
    }
  }

  close(): void {
    for (const feed of this.#feeds.values()) feed.end()
    this.#feeds.clear()
  }
}
