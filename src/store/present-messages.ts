import { createHash } from 'node:crypto'
import { MailError } from '../errors/mail-error.ts'
import type { AccountId, Mailbox, MailStore } from './mail-store.ts'

/** What is looked for in a mailbox. */
export interface WantedMessage {
  /** Hexadecimal. */
  readonly sha256: string | null
  readonly size: number
}

/**
 * Knows whether a mailbox has a message of these octets. Each message that it has stands for one that is asked for, not
 * for all that are like it: what is brought in twice comes in once, and what was there twice stays there twice.
 */
export class PresentMessages {
  readonly #mail: MailStore
  readonly #account: AccountId
  readonly #mailbox: Mailbox
  readonly #uidsOfSize = new Map<number, number[]>()
  readonly #emailIds = new Map<number, string>()
  readonly #digests = new Map<number, string | undefined>()

  private constructor(mail: MailStore, account: AccountId, mailbox: Mailbox) {
    this.#mail = mail
    this.#account = account
    this.#mailbox = mailbox
  }

  static async of(mail: MailStore, account: AccountId, mailbox: Mailbox): Promise<PresentMessages> {
    const present = new PresentMessages(mail, account, mailbox)
    for await (const states of mail.states(account, mailbox.id)) {
      const uids = states.map(({ uid }) => uid)
      for (const { uid, size, emailId } of await mail.records(account, mailbox.id, uids)) {
        present.#emailIds.set(uid, emailId)
        const ofSize = present.#uidsOfSize.get(size) ?? []
        present.#uidsOfSize.set(size, ofSize)
        ofSize.push(uid)
      }
    }
    return present
  }

  /** Is it this very message, never moved and never replaced? */
  hasUid(uidValidity: number, uid: number, emailId: string): boolean {
    return this.#mailbox.uidValidity === uidValidity && this.#emailIds.get(uid) === emailId
  }

  /** Is there anything of this size? Then its octets must be known to tell. */
  mayHave(size: number): boolean {
    return (this.#uidsOfSize.get(size) ?? []).length > 0
  }

  /** The message that is found stands for this one from now on. */
  async take({ sha256, size }: WantedMessage): Promise<boolean> {
    const uids = this.#uidsOfSize.get(size) ?? []
    for (const [at, candidate] of uids.entries()) {
      if ((await this.#digestOf(candidate)) !== sha256) continue
      uids.splice(at, 1)
      return true
    }
    return false
  }

  /** undefined when it cannot be read: then it stands for nothing. */
  async #digestOf(uid: number): Promise<string | undefined> {
    if (this.#digests.has(uid)) return this.#digests.get(uid)
    const digest = await this.#read(uid)
    this.#digests.set(uid, digest)
    return digest
  }

  async #read(uid: number): Promise<string | undefined> {
    try {
      const sum = createHash('sha256')
      const stream = await this.#mail.stream(this.#account, this.#mailbox.id, uid)
      for await (const chunk of stream as AsyncIterable<Buffer>) sum.update(chunk)
      return sum.digest('hex')
    } catch (error) {
      if (error instanceof MailError) return undefined
      throw error
    }
  }
}
