import type { Address } from './address.ts'

/** RFC 3461 section 4.1: when the sender wants to be told about a recipient. */
export type Notify = 'never' | 'success' | 'failure' | 'delay'

/** One recipient of an envelope, with what the sender asked for it (RFC 3461 sections 4.1, 4.2). */
export interface Recipient {
  readonly address: Address
  /** Absent: failure and delay are reported, as RFC 3461 section 4.1 has it for a sender that says nothing. */
  readonly notify?: readonly Notify[]
  /** Original recipient, `rfc822;alice@example.test`, decoded from xtext. */
  readonly originalRecipient?: string
}

/** Who a message is from and to, as the transport knows it (RFC 5321 section 2.3.1); nothing here comes from its header. */
export interface Envelope {
  /** Reverse-path; undefined is the null reverse-path `<>` of a bounce. */
  readonly sender: Address | undefined
  readonly recipients: readonly Recipient[]
  /** RFC 3461 section 4.3: what a failure report returns of the message. */
  readonly returnContent?: 'full' | 'headers'
  /** RFC 3461 section 4.4, decoded from xtext. */
  readonly envelopeId?: string
  /** RFC 6531: the message or its addresses need an SMTPUTF8 next hop. */
  readonly smtpUtf8: boolean
  /** RFC 6152: the body was announced as 8BITMIME. */
  readonly eightBit: boolean
  /** RFC 8689: every hop must use verified TLS. */
  readonly requireTls: boolean
}
