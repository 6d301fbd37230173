import { statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type {
  AccountId,
  Coverage,
  IndexBatch,
  IndexedMailbox,
  IndexFigures,
  Log,
  MailboxId,
  SearchAnswer,
  SearchIndex,
  SearchQuery,
} from 'mailserver'
import { encodeBatch } from './encoded-batch.ts'
import { OnDemandThread } from './on-demand-thread.ts'
import type { Operation, Operations } from './thread-messages.ts'

const SUFFIX = '.sqlite'
/** A thread ends when nobody asked for so long. */
const IDLE_MS = 30_000

/**
 * A SearchIndex of one SQLite file an account. SQLite works in threads of its own: one that writes, behind everything else
 * that wants the processor, and one that answers searches and never waits for the first.
 */
export class FtsIndex implements SearchIndex {
  readonly #folder: string
  readonly #writer: OnDemandThread
  readonly #reader: OnDemandThread
  /** Is over when the batches that were given are taken. */
  #taken: Promise<unknown> = Promise.resolve()

  /**
   * @param folder absolute; made when it is missing
   * @param log told of indexes that are thrown away because they cannot be used
   */
  constructor(folder: string, log?: Log, idleMs = IDLE_MS) {
    this.#folder = folder
    this.#writer = new OnDemandThread('writer', idleMs, log)
    this.#reader = new OnDemandThread('reader', idleMs, log)
  }

  coverage(account: AccountId, mailbox: IndexedMailbox): Promise<Coverage> {
    return this.#ask(account, 'coverage', plain(mailbox))
  }

  known(account: AccountId, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#ask(account, 'known', ids)
  }

  /** Batches that are given at the same time wait for each other: the texts of one are in flight at most. */
  index(account: AccountId, mailbox: IndexedMailbox, after: number, batch: IndexBatch): Promise<void> {
    const taken = this.#taken.then(() => {
      const { batch: encoded, buffer } = encodeBatch(batch)
      return this.#writer.ask(this.#pathOf(account), [buffer], 'index', [plain(mailbox), after, encoded])
    })
    this.#taken = taken.catch(() => {})
    return taken
  }

  retain(account: AccountId, mailbox: IndexedMailbox, uids: Uint32Array): Promise<void> {
    return this.#ask(account, 'retain', plain(mailbox), uids)
  }

  retainMailboxes(account: AccountId, mailboxes: readonly MailboxId[]): Promise<void> {
    return this.#ask(account, 'retainMailboxes', mailboxes)
  }

  async retainAccounts(accounts: readonly AccountId[]): Promise<void> {
    const kept = new Set(accounts.map((account) => this.#pathOf(account)))
    for (const name of await namesIn(this.#folder)) {
      const path = join(this.#folder, name)
      if (name.endsWith(SUFFIX) && !kept.has(path)) await this.#writer.ask(path, [], 'clear', [])
    }
  }

  search(account: AccountId, mailbox: IndexedMailbox, queries: readonly SearchQuery[]): Promise<SearchAnswer> {
    return this.#reader.ask(this.#pathOf(account), [], 'search', [plain(mailbox), queries])
  }

  async figures(account: AccountId): Promise<IndexFigures> {
    const path = this.#pathOf(account)
    if (octetsOf(path) === 0) return { messages: 0, skipped: 0, octets: 0 }
    const counts = await this.#ask(account, 'figures')
    return { ...counts, octets: octetsOf(path) + octetsOf(`${path}-wal`) }
  }

  clear(account: AccountId): Promise<void> {
    return this.#ask(account, 'clear')
  }

  /** Ends the threads once they have answered; whatever is asked then is refused. Safe to repeat. */
  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()])
  }

  #ask<O extends Exclude<Operation, 'search'>>(
    account: AccountId,
    operation: O,
    ...args: Parameters<Operations[O]>
  ): Promise<ReturnType<Operations[O]>> {
    return this.#writer.ask(this.#pathOf(account), [], operation, args)
  }

  #pathOf(account: AccountId): string {
    // An id is of letters and digits, but who knows the next one.
    return join(this.#folder, `${encodeURIComponent(account)}${SUFFIX}`)
  }
}

/** Names of the files that are there; none when the folder is not. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw cause
  }
}

/** What of a mailbox goes to the thread. */
const plain = ({ id, uidValidity }: IndexedMailbox): IndexedMailbox => ({ id, uidValidity })

const octetsOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0
