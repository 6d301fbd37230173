/** A message on its way in, whatever it came in. */
export interface IncomingMessage {
  /** Where it is, for a person: a file, or a place in one. */
  readonly source: string
  readonly flags: readonly string[]
  /** INTERNALDATE, milliseconds since the epoch. */
  readonly internalDate: number
  /** Its octets in order, once. Must be read, or ended, before the next message is asked for. */
  readonly octets: AsyncIterable<Buffer>
}

export interface IncomingMailbox {
  readonly name: string
  readonly messages: AsyncIterable<IncomingMessage>
}

/** A message on its way out. */
export interface OutgoingMessage {
  readonly uid: number
  readonly flags: readonly string[]
  readonly internalDate: number
  readonly size: number
  /** Octets of the header section with its empty line. */
  readonly headerBytes: number
  readonly octets: AsyncIterable<Buffer>
}

export interface OutgoingMailbox {
  readonly name: string
  readonly uidValidity: number
  readonly uidNext: number
  /** Keywords of all its messages. */
  readonly keywords: readonly string[]
  readonly subscribed: boolean
}

/** Writes the messages of one mailbox, in UID order. */
export interface MailboxWriter {
  write(message: OutgoingMessage): Promise<void>
  finish(): Promise<void>
}

export const TRANSFER_FORMATS = ['mbox', 'maildir', 'eml'] as const
export type TransferFormat = (typeof TRANSFER_FORMATS)[number]
