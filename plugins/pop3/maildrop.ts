import type { Readable } from 'node:stream'
import type { AccountId, Clock, Lease, Mailbox, MailStore, MessageState } from 'mailserver'
import type { CrlfSizes } from './crlf-sizes.ts'
import type { Policy } from './policy.ts'

/** Messages up to this size are read at once: cheaper than a stream, and still little memory. */
const READ_AT_ONCE_BYTES = 128 * 1024

/** One message of the maildrop. */
export interface Message {
  /** Message number, from 1. */
  readonly number: number
  readonly uid: number
  /** Octets as they are sent: with CRLF line ends, without dot-stuffing (RFC 1939 section 11). */
  readonly size: number
  /** Octets as they are stored. */
  readonly storedSize: number
  readonly isSeen: boolean
  /** Milliseconds since the epoch. */
  readonly internalDate: number
}

/** A message that was deleted over POP3 and kept for other clients has this keyword; POP3 shows it no more. */
const DELETED_KEYWORD = '$POP3Deleted'
const DAY_MS = 86_400_000

export interface MaildropParts {
  readonly store: MailStore
  readonly account: AccountId
  readonly policy: Policy
  readonly lease: Lease
  readonly sizes: CrlfSizes
  readonly clock: Clock
}

/**
 * The mailbox as it was at login (RFC 1939 section 4): numbers stay, whatever other sessions do. Nothing is removed but by
 * `update`, and only while the lock is held.
 */
export class Maildrop {
  readonly #parts: MaildropParts
  readonly #mailbox: Mailbox
  readonly #messages: readonly Message[]
  readonly #deleted = new Set<number>()
  readonly #retrieved = new Set<Message>()

  private constructor(parts: MaildropParts, mailbox: Mailbox, messages: Message[]) {
    this.#parts = parts
    this.#mailbox = mailbox
    this.#messages = messages
  }

  /** @throws MailError of the store; the lease stays the caller's then */
  static async open(parts: MaildropParts): Promise<Maildrop> {
    const { store, account, policy, sizes } = parts
    const mailbox = await store.mailbox(account, policy.mailbox)
    const found: MessageState[] = []
    for await (const batch of store.states(account, mailbox.id)) {
      for (const state of batch) if (!state.flags.includes(DELETED_KEYWORD)) found.push(state)
    }
    const extra = await sizes.of(
      store,
      account,
      mailbox,
      found.map(({ uid }) => uid),
    )
    const messages = found.map(({ uid, size, flags, internalDate }, at) => ({
      number: at + 1,
      uid,
      size: size + (extra.get(uid) ?? 0),
      storedSize: size,
      isSeen: flags.includes('\\Seen'),
      internalDate,
    }))
    return new Maildrop(parts, mailbox, messages)
  }

  /** Those not marked as deleted, by number. */
  *messages(): IterableIterator<Message> {
    for (const message of this.#messages) if (!this.#deleted.has(message.number)) yield message
  }

  /** @returns undefined when there is no such number, or it is marked as deleted */
  message(number: number): Message | undefined {
    return this.#deleted.has(number) ? undefined : this.#messages[number - 1]
  }

  get count(): number {
    return this.#messages.length - this.#deleted.size
  }

  get octets(): number {
    let octets = 0
    for (const { size } of this.messages()) octets += size
    return octets
  }

  /** RFC 1939 section 7: the same for one message in all sessions, and never for another. */
  uniqueId({ uid }: Message): string {
    return `${this.#mailbox.uidValidity}.${uid}`
  }

  markDeleted({ number }: Message): void {
    this.#deleted.add(number)
  }

  unmarkAll(): void {
    this.#deleted.clear()
  }

  /** Another session may have the maildrop now: this one must end, and remove nothing. */
  get isLost(): boolean {
    return this.#parts.lease.lost.aborted
  }

  /** The message's octets as stored. @throws MailError NOT_FOUND when another session has removed it, CORRUPT */
  async *read({ uid, storedSize }: Message): AsyncGenerator<Buffer, void, undefined> {
    const { store, account } = this.#parts
    if (storedSize <= READ_AT_ONCE_BYTES) {
      yield await store.read(account, this.#mailbox.id, uid)
      return
    }
    const stream: Readable = await store.stream(account, this.#mailbox.id, uid)
    for await (const chunk of stream) yield chunk
  }

  /** The whole of it was sent: it counts as read, and may expire. */
  markRetrieved(message: Message): void {
    this.#retrieved.add(message)
  }

  /**
   * Does what the client has asked for, and what the policy says, to the mailbox (RFC 1939 section 6). Each part is one
   * commit, removal first.
   * @returns how many messages were deleted
   * @throws MailError when nothing was deleted
   */
  async update(): Promise<number> {
    const deleted = this.#messages.filter((message) => this.#deleted.has(message.number) || this.#isExpired(message))
    const uids = deleted.map(({ uid }) => uid)
    const count = uids.length === 0 ? 0 : await this.#delete(uids)
    await this.#markSeen(new Set(uids))
    this.#deleted.clear()
    this.#retrieved.clear()
    return count
  }

  /** Lets the next session in. */
  async release(): Promise<void> {
    await this.#parts.lease.release()
  }

  /** RFC 2449 section 6.7. */
  #isExpired(message: Message): boolean {
    const { policy, clock } = this.#parts
    if (policy.expireDays === undefined) return false
    const wasRetrieved = message.isSeen || this.#retrieved.has(message)
    return wasRetrieved && clock.now() - message.internalDate >= policy.expireDays * DAY_MS
  }

  async #delete(uids: readonly number[]): Promise<number> {
    const { store, account, policy } = this.#parts
    const { id } = this.#mailbox
    if (policy.deletion === 'keep') {
      await store.setFlags(account, id, uids, { mode: 'add', flags: [DELETED_KEYWORD] })
      return uids.length
    }
    const target = policy.deletion === 'remove' ? undefined : await this.#mailboxFor(policy.deletion)
    if (target === undefined) return (await store.expunge(account, id, uids)).length
    return (await store.move(account, id, uids, target.id)).uids.length
  }

  /** Where deleted messages go; undefined when that is where they are. */
  async #mailboxFor(use: 'trash' | 'archive'): Promise<Mailbox | undefined> {
    const { store, account } = this.#parts
    const found = (await store.mailboxes(account)).find(({ specialUse }) => specialUse === use)
    const name = use === 'trash' ? 'Trash' : 'Archive'
    const target = found ?? (await store.createMailbox(account, name, { specialUse: use }))
    return target.id === this.#mailbox.id ? undefined : target
  }

  async #markSeen(gone: ReadonlySet<number>): Promise<void> {
    const { store, account, policy } = this.#parts
    if (!policy.marksSeen) return
    const uids = [...this.#retrieved].filter(({ uid, isSeen }) => !isSeen && !gone.has(uid)).map(({ uid }) => uid)
    if (uids.length > 0) {
      await store.setFlags(account, this.#mailbox.id, uids, { mode: 'add', flags: ['\\Seen'] })
    }
  }
}
