import type { Readable } from 'node:stream'
import type { AccountId, Lease, Mailbox, MailStore } from 'mailserver'
import type { CrlfSizes } from './crlf-sizes.ts'

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
}

/**
 * INBOX as it was at login (RFC 1939 section 4): numbers stay, whatever other sessions do. Nothing is removed but by
 * `update`, and only while the lock is held.
 */
export class Maildrop {
  readonly account: AccountId
  readonly #store: MailStore
  readonly #mailbox: Mailbox
  readonly #lease: Lease
  readonly #messages: readonly Message[]
  readonly #deleted = new Set<number>()

  private constructor(store: MailStore, account: AccountId, mailbox: Mailbox, lease: Lease, messages: Message[]) {
    this.#store = store
    this.account = account
    this.#mailbox = mailbox
    this.#lease = lease
    this.#messages = messages
  }

  /** @throws MailError of the store; the lease stays the caller's then */
  static async open(store: MailStore, account: AccountId, lease: Lease, sizes: CrlfSizes): Promise<Maildrop> {
    const mailbox = await store.mailbox(account, 'INBOX')
    const found: { uid: number; size: number }[] = []
    for await (const batch of store.states(account, mailbox.id)) {
      for (const { uid, size } of batch) found.push({ uid, size })
    }
    const extra = await sizes.of(
      store,
      account,
      mailbox,
      found.map(({ uid }) => uid),
    )
    const messages = found.map(({ uid, size }, at) => {
      return { number: at + 1, uid, size: size + (extra.get(uid) ?? 0), storedSize: size }
    })
    return new Maildrop(store, account, mailbox, lease, messages)
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
    return this.#lease.lost.aborted
  }

  /** The message's octets as stored. @throws MailError NOT_FOUND when another session has removed it, CORRUPT */
  async *read({ uid, storedSize }: Message): AsyncGenerator<Buffer, void, undefined> {
    if (storedSize <= READ_AT_ONCE_BYTES) {
      yield await this.#store.read(this.account, this.#mailbox.id, uid)
      return
    }
    const stream: Readable = await this.#store.stream(this.account, this.#mailbox.id, uid)
    for await (const chunk of stream) yield chunk
  }

  /** Removes what is marked, in one commit (RFC 1939 section 6). @throws MailError when nothing was removed */
  async update(): Promise<number> {
    if (this.#deleted.size === 0) return 0
    const uids = this.#messages.filter(({ number }) => this.#deleted.has(number)).map(({ uid }) => uid)
    const removed = await this.#store.expunge(this.account, this.#mailbox.id, uids)
    this.#deleted.clear()
    return removed.length
  }

  /** Lets the next session in. */
  async release(): Promise<void> {
    await this.#lease.release()
  }
}
