import type { Resolution } from '../directory/directory.ts'
import type { Address } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { MessageId } from '../queue/queue.ts'
import { Disposition } from './disposition.ts'
import type { MailParameters } from './intake.ts'
import type { Trace } from './trace.ts'

/** A recipient that RCPT took, and where its mail goes. */
export interface Taken {
  readonly recipient: Recipient
  readonly resolution: Exclude<Resolution, { kind: 'unknown' }>
  readonly disposition: Disposition
}

/** One mail transaction, from MAIL to its end. */
export class Transaction {
  readonly id: MessageId
  readonly sender: Address | undefined
  readonly parameters: MailParameters
  readonly trace: Trace
  /** What the hooks of the connection, of HELO and of MAIL want. */
  readonly disposition = new Disposition()
  readonly taken: Taken[] = []
  /** Something was refused: the transaction leaves a journey even when it comes to nothing. */
  hasRefusal = false
  /** RCPT addresses that were refused, for the journey. */
  readonly refusedRecipients: string[] = []

  constructor(id: MessageId, sender: Address | undefined, parameters: MailParameters, trace: Trace) {
    this.id = id
    this.sender = sender
    this.parameters = parameters
    this.trace = trace
  }
}
