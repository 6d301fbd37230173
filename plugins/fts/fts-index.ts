import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import {
  type AccountId,
  type Coverage,
  type IndexBatch,
  type IndexedMailbox,
  type IndexFigures,
  type Log,
  type MailboxId,
  MailError,
  type SearchAnswer,
  type SearchIndex,
  type SearchQuery,
} from 'mailserver'
import { removeFiles } from './account-index.ts'
import { encodeBatch } from './encoded-batch.ts'
import { IndexWorker } from './index-worker.ts'
import type { Operation, Operations } from './thread-messages.ts'

/** The thread ends when nobody asked for so long: what it took to index is given back. */
const IDLE_MS = 30_000

/**
 * A SearchIndex of one SQLite file an account. SQLite works in a thread of its own, which begins with a question and ends
 * when there are none.
 */
export class FtsIndex implements SearchIndex {
  readonly #folder: string
  readonly #log: Log | undefined
  readonly #idleMs: number
  #worker: IndexWorker | undefined
  /** Ends the thread. */
  #idle: NodeJS.Timeout | undefined
  readonly #ending = new Set<Promise<void>>()
  #isClosed = false

  /**
   * @param folder absolute; made when it is missing
   * @param log told of indexes that are thrown away because they cannot be used
   */
  constructor(folder: string, log?: Log, idleMs = IDLE_MS) {
    this.#folder = folder
    this.#log = log
    this.#idleMs = idleMs
  }

  coverage(account: AccountId, mailbox: IndexedMailbox): Promise<Coverage> {
    return this.#ask(account, 'coverage', plain(mailbox))
  }

  known(account: AccountId, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#ask(account, 'known', ids)
  }

  index(account: AccountId, mailbox: IndexedMailbox, after: number, batch: IndexBatch): Promise<void> {
    const { batch: encoded, buffer } = encodeBatch(batch)
    return this.#send(account, [buffer], 'index', plain(mailbox), after, encoded)
  }

  retain(account: AccountId, mailbox: IndexedMailbox, uids: Uint32Array): Promise<void> {
    return this.#ask(account, 'retain', plain(mailbox), uids)
  }

  retainMailboxes(account: AccountId, mailboxes: readonly MailboxId[]): Promise<void> {
    return this.#ask(account, 'retainMailboxes', mailboxes)
  }

  search(account: AccountId, mailbox: IndexedMailbox, queries: readonly SearchQuery[]): Promise<SearchAnswer> {
    return this.#ask(account, 'search', plain(mailbox), queries)
  }

  async figures(account: AccountId): Promise<IndexFigures> {
    const path = this.#pathOf(account)
    if (octetsOf(path) === 0) return { messages: 0, skipped: 0, octets: 0 }
    const counts = await this.#ask(account, 'figures')
    return { ...counts, octets: octetsOf(path) + octetsOf(`${path}-wal`) }
  }

  async clear(account: AccountId): Promise<void> {
    if (this.#worker === undefined) removeFiles(this.#pathOf(account))
    else await this.#ask(account, 'clear')
  }

  /** Ends the thread once it has answered; whatever is asked then is refused. Safe to repeat. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#endWorker()
    await Promise.all(this.#ending)
  }

  #ask<O extends Operation>(
    account: AccountId,
    operation: O,
    ...args: Parameters<Operations[O]>
  ): Promise<ReturnType<Operations[O]>> {
    return this.#send(account, [], operation, ...args)
  }

  #send<O extends Operation>(
    account: AccountId,
    given: readonly ArrayBuffer[],
    operation: O,
    ...args: Parameters<Operations[O]>
  ): Promise<ReturnType<Operations[O]>> {
    if (this.#isClosed) return Promise.reject(new MailError('UNAVAILABLE', 'the search index is closed'))
    clearTimeout(this.#idle)
    if (this.#worker === undefined || this.#worker.hasEnded) this.#worker = this.#start()
    return this.#worker.ask(this.#pathOf(account), given, operation, args)
  }

  #start(): IndexWorker {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    chmodSync(this.#folder, 0o700)
    const onIdle = () => {
      clearTimeout(this.#idle)
      this.#idle = setTimeout(() => this.#endWorker(), this.#idleMs).unref()
    }
    return new IndexWorker(onIdle, (what) => this.#log?.warn(what, 'a search index cannot be used: it is made anew'))
  }

  #endWorker(): void {
    clearTimeout(this.#idle)
    const ending = this.#worker?.end()
    this.#worker = undefined
    if (ending === undefined) return
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }

  #pathOf(account: AccountId): string {
    // An id is of letters and digits, but who knows the next one.
    return join(this.#folder, `${encodeURIComponent(account)}.sqlite`)
  }
}

/** What of a mailbox goes to the thread. */
const plain = ({ id, uidValidity }: IndexedMailbox): IndexedMailbox => ({ id, uidValidity })

const octetsOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
