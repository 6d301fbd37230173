import type { Account } from '../directory/directory.ts'
import type { Connection } from '../kernel/moments.ts'
import { defineService } from '../kernel/service.ts'
import type { Verdict } from '../kernel/verdict.ts'
import type { Address } from '../mail/address.ts'
import type { Envelope, Recipient } from '../mail/envelope.ts'

/** How a listener takes mail. */
export type IntakeRole =
  /** From anyone, to our own domains alone. */
  | 'mx'
  /** From those who have logged in, to anywhere. */
  | 'submission'
  /** From a trusted local peer, to our own accounts, one answer for each recipient (RFC 2033). */
  | 'lmtp'

/** An answer to the peer: accepted, or why not. The protocol plugin words it as its protocol does. */
export type Answer =
  | { readonly ok: true; readonly text?: string }
  | { readonly ok: false; readonly reply: number; readonly code: string; readonly text: string }

/**
 * Thrown by the source of a message that the protocol itself refuses (a NUL, a bare line end): the message is refused with
 * this answer, and its journey says so.
 */
export class RefusedSource extends Error {
  override readonly name = 'RefusedSource'
  readonly answer: Extract<Answer, { ok: false }>

  constructor(answer: Extract<Answer, { ok: false }>) {
    super(answer.text)
    this.answer = answer
  }
}

/** What came of a message. `250` may be sent as soon as this is here: it is on disk. */
export interface Receipt {
  readonly id: string
  readonly answer: Answer
  /** LMTP: one answer for each recipient, in order. */
  readonly perRecipient?: readonly Answer[]
}

export interface MailParameters {
  readonly announcedSize?: number
  readonly returnContent?: 'full' | 'headers'
  readonly envelopeId?: string
  readonly smtpUtf8: boolean
  readonly eightBit: boolean
  readonly requireTls: boolean
}

/**
 * One SMTP or LMTP session as the core sees it: the protocol plugin speaks, this decides. It runs the hooks, asks the
 * directory, writes the journey and commits. No method throws for a fault of the core: the answer is then a defer.
 */
export interface IntakeSession {
  opened(): Promise<Answer>
  /** @param options.extended it was EHLO or LHLO (as when absent), not HELO */
  helo(name: string, options?: { readonly extended: boolean }): Promise<Answer>
  /** TLS has begun: what was said before is forgotten (RFC 3207 section 4.2). */
  secured(tls: { version: string; cipher: string }): void
  /** The client has proved who it is. @param mechanism of SASL */
  authenticated(account: Account, mechanism: string): void
  /** Refuses a sender that is not the account's own, on submission. */
  mailFrom(sender: Address | undefined, parameters: MailParameters): Promise<Answer>
  /** Refuses unknown users, relaying, full mailboxes. */
  rcptTo(recipient: Recipient): Promise<Answer>
  /**
   * Takes the message's bytes, dots unstuffed, to their end; stores them while they come; runs the hooks; commits.
   * Ends the transaction, whatever comes of it. A source that errors (the peer vanished) leaves nothing behind.
   * @param isOversized asked at the end: the peer sent more than the limit
   */
  receive(source: AsyncIterable<Buffer>, isOversized: () => boolean): Promise<Receipt>
  /** RSET, or a new HELO. */
  reset(): void
  closed(): void
}

export interface Intake {
  open(connection: Connection, role: IntakeRole): IntakeSession
  /** A message of our own (a report, an answer): no hooks of the session, the same one commit. */
  inject(envelope: Envelope, message: Buffer): Promise<Receipt>
}

export const intake = defineService<Intake>('core:intake')

/** The verdict of a hook as an answer to the peer. */
export function answerOf(verdict: Verdict): Answer {
  if (verdict.action === 'defer')
    return { ok: false, reply: verdict.reply ?? 451, code: verdict.code, text: verdict.text }
  if (verdict.action === 'reject')
    return { ok: false, reply: verdict.reply ?? 550, code: verdict.code, text: verdict.text }
  return { ok: true }
}
