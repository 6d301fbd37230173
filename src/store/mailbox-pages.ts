import type { Transaction } from './engine.ts'
import { StatePageKeys } from './layout.ts'
import type { AccountId } from './mail-store.ts'
import { pageOf, StatePage, type StateRecord } from './records/state-page.ts'

/** Where the state of a message stands. */
export interface StatePlace {
  readonly page: StatePage
  readonly row: number
}

/**
 * The states of one mailbox inside a transaction: each page is read once, changed in memory however often, and written
 * once with `write`. Only UIDs that were given to `load` may be looked at.
 */
export class MailboxPages {
  readonly #tx: Transaction
  readonly #keys: StatePageKeys
  readonly #pages = new Map<number, StatePage>()
  readonly #changed = new Set<StatePage>()

  constructor(tx: Transaction, account: AccountId, mailbox: number) {
    this.#tx = tx
    this.#keys = new StatePageKeys(account, mailbox)
  }

  /** @param uids ascending */
  async load(uids: readonly number[]): Promise<void> {
    const missing = pagesOf(uids).filter((number) => !this.#pages.has(number))
    const values = await this.#tx.getMany(missing.map((number) => this.#keys.of(number)))
    for (const [at, number] of missing.entries()) {
      const value = values[at]
      this.#pages.set(number, value === undefined ? StatePage.empty(number) : StatePage.decode(number, value))
    }
  }

  /** undefined when there is no such message. */
  find(uid: number): StatePlace | undefined {
    const page = this.#page(uid)
    const row = page.find(uid)
    return row === -1 ? undefined : { page, row }
  }

  /** The page is written at the end. */
  change(page: StatePage): void {
    this.#changed.add(page)
  }

  /** Adds a message, whose UID is above all others of the mailbox. */
  add(uid: number, state: StateRecord): void {
    const page = this.#page(uid)
    page.add(uid, state)
    this.#changed.add(page)
  }

  remove({ page, row }: StatePlace): void {
    page.remove(row)
    this.#changed.add(page)
  }

  write(): void {
    for (const page of this.#changed) {
      const key = this.#keys.of(page.number)
      if (page.count === 0) this.#tx.delete(key)
      else this.#tx.put(key, page.encode())
    }
    this.#changed.clear()
  }

  #page(uid: number): StatePage {
    const page = this.#pages.get(pageOf(uid))
    if (page === undefined) throw new Error(`the state of message ${uid} was not loaded`)
    return page
  }
}

/** Pages in which these ascending UIDs stand. */
export function pagesOf(uids: readonly number[]): number[] {
  const pages: number[] = []
  for (const uid of uids) {
    const page = pageOf(uid)
    if (page !== pages.at(-1)) pages.push(page)
  }
  return pages
}
