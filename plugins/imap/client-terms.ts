import type { ImapLimits } from './limits.ts'
import type { Offer, Offers } from './offer.ts'
import { formatMailbox } from './wire/mailbox-name.ts'

/** What a client is offered, what of it it has switched on, and how it is spoken to because of that. */
export class ClientTerms {
  readonly limits: ImapLimits
  /** Extensions the client switched on (RFC 5161), in capitals. */
  readonly enabled = new Set<string>()
  /** Capabilities that this client is offered. */
  offer: Offer
  readonly #offers: Offers

  constructor(limits: ImapLimits, offers: Offers) {
    this.limits = limits
    this.#offers = offers
    this.offer = offers.initial
  }

  /** The client said what it is: it may be one that is offered less. @returns whether that changes anything */
  identify(fields: ReadonlyMap<string, string | undefined>): boolean {
    const before = this.offer
    this.offer = this.#offers.of(fields)
    for (const name of this.enabled) if (!this.offer.has(name)) this.enabled.delete(name)
    return this.offer !== before
  }

  /** The client has switched IMAP4rev2 on (RFC 9051 section 6.3.1): what differs from IMAP4rev1 is as it says. */
  get isRev2(): boolean {
    return this.enabled.has('IMAP4rev2')
  }

  /** The client reads and writes UTF-8: mailbox names, and quoted strings. */
  get isUtf8(): boolean {
    return this.enabled.has('UTF8=ACCEPT') || this.isRev2
  }

  /** The client knows no message numbers (RFC 9586). */
  get isUidOnly(): boolean {
    return this.enabled.has('UIDONLY')
  }

  /** Messages that one command works on (RFC 9738); Infinity for no limit. */
  get messageLimit(): number {
    return this.offer.has('MESSAGELIMIT') ? this.limits.messages || Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY
  }

  /** Messages that one command saves. */
  get saveLimit(): number {
    const saves = this.offer.has('SAVELIMIT') ? this.limits.saves || Number.POSITIVE_INFINITY : Number.POSITIVE_INFINITY
    return Math.min(saves, this.messageLimit)
  }

  /** The name of a mailbox as this client reads it. */
  mailboxName(name: string): string {
    return formatMailbox(name, this.isUtf8)
  }
}
