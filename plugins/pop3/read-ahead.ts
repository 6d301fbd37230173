import type { AccountId, BlobRef, BlobStore, MailboxId, MailStore } from 'mailserver'
import type { Message, MessageColumns } from './message-columns.ts'

/** A client that has asked for so many messages in their order will ask for the next ones, too. */
const IN_ORDER = 4
/** What is read ahead at most. A thousand sessions may do so at the same time. */
const AHEAD_BYTES = 256 * 1024
const AHEAD_MESSAGES = 64

/** Reads the messages that come next, together, for a client that retrieves one after the other. */
export class ReadAhead {
  readonly #blobs: BlobStore
  readonly #store: MailStore
  readonly #account: AccountId
  readonly #mailbox: MailboxId
  readonly #columns: MessageColumns
  /** Octets by message number. */
  readonly #ready = new Map<number, Buffer>()
  #last = -1
  #inOrder = 0

  constructor(blobs: BlobStore, store: MailStore, account: AccountId, mailbox: MailboxId, columns: MessageColumns) {
    this.#blobs = blobs
    this.#store = store
    this.#account = account
    this.#mailbox = mailbox
    this.#columns = columns
  }

  /** @returns undefined when it has to be read by itself */
  async take({ number }: Message): Promise<Buffer | undefined> {
    this.#inOrder = number === this.#last + 1 ? this.#inOrder + 1 : 1
    this.#last = number
    if (this.#inOrder <= IN_ORDER) {
      this.#ready.clear()
      return undefined
    }
    if (!this.#ready.has(number)) await this.#read(number)
    const octets = this.#ready.get(number)
    this.#ready.delete(number)
    return octets
  }

  /** Messages from `first` on. Those that are gone or cannot be read are left to whoever asks for them. */
  async #read(first: number): Promise<void> {
    this.#ready.clear()
    const numbers = new Map<number, number>()
    let octets = 0
    for (let number = first; number < first + AHEAD_MESSAGES; number++) {
      const message = this.#columns.message(number)
      if (message === undefined || octets + message.storedSize > AHEAD_BYTES) break
      octets += message.storedSize
      numbers.set(message.uid, number)
    }
    if (numbers.size < 2) return
    try {
      const found = await this.#store.blobs(this.#account, this.#mailbox, [...numbers.keys()])
      const refs = found.map(([, blob]): BlobRef => blob)
      let at = 0
      for await (const batch of this.#blobs.readMany(refs)) {
        for (const [, bytes] of batch) {
          const [uid] = found[at] as (typeof found)[number]
          this.#ready.set(numbers.get(uid) as number, bytes)
          at += 1
        }
      }
    } catch {
      // Reading that message by itself tells what is wrong with it.
    }
  }
}
