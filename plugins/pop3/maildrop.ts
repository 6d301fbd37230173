import type { Readable } from 'node:stream'
import type { AccountId, BlobStore, Clock, Lease, Mailbox, MailStore } from 'mailserver'
import type { CrlfSizes } from './crlf-sizes.ts'
import { type Message, MessageColumns } from './message-columns.ts'
import type { Policy } from './policy.ts'
import { ReadAhead } from './read-ahead.ts'

/** Messages up to this size are read at once: cheaper than a stream, and still little memory. */
const READ_AT_ONCE_BYTES = 128 * 1024

/** A message that was deleted over POP3 and kept for other clients has this keyword; POP3 shows it no more. */
const DELETED_KEYWORD = '$POP3Deleted'
const DAY_MS = 86_400_000

export interface MaildropParts {
  readonly store: MailStore
  readonly blobs: BlobStore
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
  readonly #columns: MessageColumns
  readonly #ahead: ReadAhead
  /** Message numbers. */
  readonly #deleted = new Set<number>()
  readonly #retrieved = new Set<number>()
  #octets = 0

  private constructor(parts: MaildropParts, mailbox: Mailbox, columns: MessageColumns) {
    const { blobs, store, account } = parts
    this.#parts = parts
    this.#mailbox = mailbox
    this.#columns = columns
    this.#ahead = new ReadAhead(blobs, store, account, mailbox.id, columns)
    this.#octets = this.#sumOctets()
  }

  /** @throws MailError of the store; the lease stays the caller's then */
  static async open(parts: MaildropParts): Promise<Maildrop> {
    const { store, account, policy, sizes } = parts
    const mailbox = await store.mailbox(account, policy.mailbox)
    const columns = new MessageColumns(await store.columns(account, mailbox.id), DELETED_KEYWORD)
    columns.grow(await sizes.of(store, account, mailbox, columns.uids))
    return new Maildrop(parts, mailbox, columns)
  }

  /** Numbers of those not marked as deleted. */
  *numbers(): IterableIterator<number> {
    for (let number = 1; number <= this.#columns.count; number++) if (!this.#deleted.has(number)) yield number
  }

  /** @returns undefined when there is no such number, or it is marked as deleted */
  message(number: number): Message | undefined {
    return this.#deleted.has(number) ? undefined : this.#columns.message(number)
  }

  /** Octets as they are sent, of a message that is there. */
  size(number: number): number {
    return this.#columns.size(number)
  }

  get count(): number {
    return this.#columns.count - this.#deleted.size
  }

  get octets(): number {
    return this.#octets
  }

  /** RFC 1939 section 7: the same for one message in all sessions, and never for another. */
  uniqueId(number: number): string {
    return `${this.#mailbox.uidValidity}.${this.#columns.uids[number - 1]}`
  }

  markDeleted({ number, size }: Message): void {
    if (this.#deleted.has(number)) return
    this.#deleted.add(number)
    this.#octets -= size
  }

  unmarkAll(): void {
    this.#deleted.clear()
    this.#octets = this.#sumOctets()
  }

  /** Another session may have the maildrop now: this one must end, and remove nothing. */
  get isLost(): boolean {
    return this.#parts.lease.lost.aborted
  }

  /** The message's octets as stored. @throws MailError NOT_FOUND when another session has removed it, CORRUPT */
  async *read(message: Message): AsyncGenerator<Buffer, void, undefined> {
    const { store, account } = this.#parts
    const { uid, storedSize } = message
    const ready = await this.#ahead.take(message)
    if (ready !== undefined || storedSize <= READ_AT_ONCE_BYTES) {
      yield ready ?? (await store.read(account, this.#mailbox.id, uid))
      return
    }
    const stream: Readable = await store.stream(account, this.#mailbox.id, uid)
    for await (const chunk of stream) yield chunk
  }

  /** The whole of it was sent: it counts as read, and may expire. */
  markRetrieved({ number }: Message): void {
    this.#retrieved.add(number)
  }

  /**
   * Does what the client has asked for, and what the policy says, to the mailbox (RFC 1939 section 6). Each part is one
   * commit, removal first.
   * @returns how many messages were deleted
   * @throws MailError when nothing was deleted
   */
  async update(): Promise<number> {
    const gone = new Set([...this.#deleted, ...this.#expired()])
    const uids = this.#uidsOf(gone)
    const count = uids.length === 0 ? 0 : await this.#delete(uids)
    await this.#markSeen(gone)
    this.unmarkAll()
    this.#retrieved.clear()
    return count
  }

  /** Lets the next session in. */
  async release(): Promise<void> {
    await this.#parts.lease.release()
  }

  #sumOctets(): number {
    let octets = 0
    for (let number = 1; number <= this.#columns.count; number++) octets += this.#columns.size(number)
    return octets
  }

  /** Numbers of the messages that are old enough and were read (RFC 2449 section 6.7). */
  *#expired(): IterableIterator<number> {
    const { policy, clock } = this.#parts
    if (policy.expireDays === undefined) return
    const before = clock.now() - policy.expireDays * DAY_MS
    for (let number = 1; number <= this.#columns.count; number++) {
      const { isSeen, internalDate } = this.#columns.message(number) as Message
      if (internalDate <= before && (isSeen || this.#retrieved.has(number))) yield number
    }
  }

  /** In the order of the mailbox. */
  #uidsOf(numbers: Iterable<number>): number[] {
    return [...numbers].sort((a, b) => a - b).map((number) => this.#columns.uids[number - 1] as number)
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
    const isUnseen = (number: number) => this.#columns.message(number)?.isSeen === false
    const uids = this.#uidsOf([...this.#retrieved].filter((number) => isUnseen(number) && !gone.has(number)))
    if (uids.length > 0) {
      await store.setFlags(account, this.#mailbox.id, uids, { mode: 'add', flags: ['\\Seen'] })
    }
  }
}
