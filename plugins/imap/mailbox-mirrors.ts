import type { AccountId, Log, Mailbox, MailStore } from 'mailserver'
import { CacheBudget } from './kept/cache-budget.ts'
import { MailboxMirror, type MirrorServices } from './mailbox-mirror.ts'

/** Mirrors that nobody uses and that are kept: a client that comes back finds its mailbox ready. */
const MAX_IDLE = 16
/** Messages in them, 28 octets each. */
const MAX_IDLE_MESSAGES = 400_000
/** Of indexes and headers that are read again and again: those of some 10,000 messages. */
const READING_OCTETS = 32 * 1024 * 1024
/** Of fields that were searched: two of some 100,000 messages. */
const TEXT_OCTETS = 24 * 1024 * 1024

interface Shared {
  readonly opening: Promise<MailboxMirror>
  users: number
}

/** The mirrors of this worker: one for a mailbox, however many sessions have it selected. */
export class MailboxMirrors {
  readonly #services: MirrorServices
  readonly #shared = new Map<string, Shared>()
  /** Not used at the moment, the one that was left last at the end. */
  readonly #idle = new Map<string, MailboxMirror>()

  constructor(store: MailStore, log: Log) {
    this.#services = { store, log, readings: new CacheBudget(READING_OCTETS), texts: new CacheBudget(TEXT_OCTETS) }
  }

  /** Up to date when it resolves. Each call that resolves needs one `release`. @throws MailError */
  async acquire(account: AccountId, mailbox: Mailbox): Promise<MailboxMirror> {
    const name = nameOf(account, mailbox)
    const shared = this.#shared.get(name) ?? this.#open(name, account, mailbox)
    shared.users += 1
    try {
      const mirror = await shared.opening
      await mirror.refresh()
      await mirror.expectAcl(mailbox)
      return mirror
    } catch (cause) {
      this.#leave(name, shared)
      throw cause
    }
  }

  release(mirror: MailboxMirror): void {
    const name = nameOf(mirror.account, mirror.mailbox)
    const shared = this.#shared.get(name)
    if (shared !== undefined) this.#leave(name, shared)
  }

  /** Mailboxes that some session has selected. */
  get size(): number {
    return this.#shared.size
  }

  /** Lets go of what nobody uses. */
  close(): void {
    for (const mirror of this.#idle.values()) mirror.close()
    this.#idle.clear()
  }

  #open(name: string, account: AccountId, mailbox: Mailbox): Shared {
    const idle = this.#idle.get(name)
    this.#idle.delete(name)
    // A mailbox that was deleted may come back from a backup, with all it was known by.
    const isUsable = idle?.mailbox.uidValidity === mailbox.uidValidity && !idle.isDeleted
    if (idle !== undefined && !isUsable) idle.close()
    const opening =
      idle !== undefined && isUsable ? Promise.resolve(idle) : MailboxMirror.open(this.#services, account, mailbox)
    const shared = { opening, users: 0 }
    this.#shared.set(name, shared)
    return shared
  }

  #leave(name: string, shared: Shared): void {
    shared.users -= 1
    if (shared.users > 0) return
    if (this.#shared.get(name) === shared) this.#shared.delete(name)
    shared.opening.then(
      (mirror) => this.#keep(name, mirror),
      () => {
        // It never opened: there is nothing to keep.
      },
    )
  }

  #keep(name: string, mirror: MailboxMirror): void {
    // Somebody may have opened it anew in the meantime.
    if (mirror.isDeleted || this.#shared.has(name) || this.#idle.has(name)) {
      mirror.close()
      return
    }
    this.#idle.set(name, mirror)
    let messages = 0
    for (const idle of this.#idle.values()) messages += idle.columns.count
    for (const [oldest, idle] of this.#idle) {
      if (this.#idle.size <= MAX_IDLE && messages <= MAX_IDLE_MESSAGES) return
      this.#idle.delete(oldest)
      messages -= idle.columns.count
      idle.close()
    }
  }
}

function nameOf(account: AccountId, mailbox: Mailbox): string {
  return `${account} ${mailbox.id}`
}
