import type { AccountId, Log, Mailbox, MailStore } from 'mailserver'
import { MailboxMirror } from './mailbox-mirror.ts'

interface Shared {
  readonly opening: Promise<MailboxMirror>
  users: number
}

/** The mirrors of this worker: one for a mailbox, however many sessions have it selected, and none when nobody has. */
export class MailboxMirrors {
  readonly #store: MailStore
  readonly #log: Log
  readonly #shared = new Map<string, Shared>()

  constructor(store: MailStore, log: Log) {
    this.#store = store
    this.#log = log
  }

  /** Up to date when it resolves. Each call that resolves needs one `release`. @throws MailError */
  async acquire(account: AccountId, mailbox: Mailbox): Promise<MailboxMirror> {
    const name = `${account} ${mailbox.id}`
    const known = this.#shared.get(name)
    let shared = known
    if (shared === undefined) {
      shared = { opening: MailboxMirror.open(this.#store, account, mailbox, this.#log), users: 0 }
      this.#shared.set(name, shared)
    }
    shared.users += 1
    try {
      const mirror = await shared.opening
      if (known !== undefined) await mirror.refresh()
      return mirror
    } catch (cause) {
      this.#leave(name, shared)
      throw cause
    }
  }

  release(mirror: MailboxMirror): void {
    const name = `${mirror.account} ${mirror.mailbox.id}`
    const shared = this.#shared.get(name)
    if (shared !== undefined) this.#leave(name, shared)
  }

  get size(): number {
    return this.#shared.size
  }

  #leave(name: string, shared: Shared): void {
    shared.users -= 1
    if (shared.users > 0) return
    if (this.#shared.get(name) === shared) this.#shared.delete(name)
    shared.opening.then(
      (mirror) => mirror.close(),
      () => {
        // It never opened: there is nothing to close.
      },
    )
  }
}
