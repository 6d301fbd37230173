import { chmodSync, mkdirSync, statSync } from 'node:fs'
import { extname, join } from 'node:path'
import { Worker } from 'node:worker_threads'
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
import type { Answer, Operation, Operations, Request, ThrownAway } from './thread-messages.ts'

interface Waiting {
  resolve(value: unknown): void
  reject(cause: unknown): void
}

/** A SearchIndex of one SQLite file an account. SQLite works in a thread of its own, which begins with the first question. */
export class FtsIndex implements SearchIndex {
  readonly #folder: string
  readonly #log: Log | undefined
  readonly #waiting = new Map<number, Waiting>()
  #thread: Worker | undefined
  #ending: Promise<void> | undefined
  #last = 0

  /**
   * @param folder absolute; made when it is missing
   * @param log told of indexes that are thrown away because they cannot be used
   */
  constructor(folder: string, log?: Log) {
    this.#folder = folder
    this.#log = log
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
    if (this.#thread === undefined) removeFiles(this.#pathOf(account))
    else await this.#ask(account, 'clear')
  }

  /** Ends the thread once it has answered; whatever is asked then is refused. Safe to repeat. */
  close(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    const thread = this.#thread
    if (thread === undefined) return
    const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()))
    thread.ref()
    thread.postMessage('close')
    await ended
  }

  #ask<O extends Operation>(
    account: AccountId,
    operation: O,
    ...args: Parameters<Operations[O]>
  ): Promise<ReturnType<Operations[O]>> {
    return this.#send(account, [], operation, ...args)
  }

  /** @param given buffers of the arguments, which are the thread's from now on */
  #send<O extends Operation>(
    account: AccountId,
    given: readonly ArrayBuffer[],
    operation: O,
    ...args: Parameters<Operations[O]>
  ): Promise<ReturnType<Operations[O]>> {
    if (this.#ending !== undefined) return Promise.reject(new MailError('UNAVAILABLE', 'the search index is closed'))
    this.#thread ??= this.#start()
    const thread = this.#thread
    this.#last += 1
    const request: Request = { number: this.#last, path: this.#pathOf(account), operation, args }
    return new Promise((resolve, reject) => {
      // Whoever waits for an answer is not to be left without one by the end of the process.
      thread.ref()
      this.#waiting.set(request.number, { resolve: resolve as Waiting['resolve'], reject })
      thread.postMessage(request, given)
    })
  }

  #start(): Worker {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
    chmodSync(this.#folder, 0o700)
    const thread = new Worker(new URL(`./index-thread${extname(import.meta.url)}`, import.meta.url))
    thread.on('message', (answer: Answer | ThrownAway) => {
      if ('path' in answer) {
        this.#log?.warn(answer, 'a search index cannot be used: it is made anew')
        return
      }
      const waiting = this.#waiting.get(answer.number)
      this.#waiting.delete(answer.number)
      if (this.#waiting.size === 0 && this.#ending === undefined) thread.unref()
      if ('error' in answer) waiting?.reject(new MailError('UNAVAILABLE', `the search index: ${answer.error}`))
      else waiting?.resolve(answer.value)
    })
    let fault: unknown
    thread.on('error', (cause) => {
      fault = cause
    })
    // Whatever ended it, the next question begins a new one.
    thread.on('exit', () => {
      if (this.#thread === thread) this.#thread = undefined
      for (const { reject } of this.#waiting.values()) {
        reject(new MailError('UNAVAILABLE', 'the thread of the search index has ended', { cause: fault }))
      }
      this.#waiting.clear()
    })
    return thread
  }

  #pathOf(account: AccountId): string {
    // An id is of letters and digits, but who knows the next one.
    return join(this.#folder, `${encodeURIComponent(account)}.sqlite`)
  }
}

/** What of a mailbox goes to the thread. */
const plain = ({ id, uidValidity }: IndexedMailbox): IndexedMailbox => ({ id, uidValidity })

const octetsOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
