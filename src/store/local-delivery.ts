import { defineService } from '../kernel/service.ts'
import type { Envelope } from '../mail/envelope.ts'
import type { MessageIndex } from '../mail/message-index.ts'
import type { BlobRef } from './blob-store.ts'
import type { Transaction } from './engine.ts'
import type { AccountId, MailboxId } from './mail-store.ts'

/** A message on its last metre: the bytes are stored, the accounts known. */
export interface DeliveryRequest {
  readonly id: string
  readonly envelope: Omit<Envelope, 'recipients'>
  readonly blob: BlobRef
  readonly index: MessageIndex
  readonly receivedAt: number
  /** Deliver to Junk instead of INBOX. */
  readonly isQuarantined: boolean
  readonly recipients: readonly {
    readonly account: AccountId
    readonly address: string
    readonly subaddress?: string
  }[]
}

/** Where each recipient's copy goes, decided before the commit. */
export interface PlannedDelivery {
  /** Scopes the commit must hold. */
  readonly scopes: readonly string[]
  /** Recipients that cannot take it (OVER_QUOTA, or RECIPIENT_UNKNOWN: removed), by account, with the error. */
  readonly refused: ReadonlyMap<AccountId, Error>
  /** Writes the mailbox entries inside the caller's transaction. @throws MailError OVER_QUOTA when a quota filled up since */
  commitIn(tx: Transaction): Promise<readonly { account: AccountId; mailbox: MailboxId; uid: number }[]>
}

/** Final delivery into mailboxes, for intake and for the reports of the queue. Runs the `delivery` hook. */
export interface LocalDelivery {
  plan(request: DeliveryRequest): Promise<PlannedDelivery>
}

export const localDelivery = defineService<LocalDelivery>('core:local-delivery')
