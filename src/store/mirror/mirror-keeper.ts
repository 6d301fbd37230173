import { defineService } from '../../kernel/service.ts'
import type { AccountId } from '../mail-store.ts'

/** A message as it is in the mirror, known from the mirror alone. */
export interface MirroredMessage {
  readonly uid: number
  readonly flags: readonly string[]
  /** Its octets with the line ends that the store knows it with. @param size octets of it, as the store has them */
  read(size: number): Promise<Buffer>
}

export interface MirroredView {
  /** Where it lies, for a person. */
  readonly place: string
  readonly subscriptions: readonly string[]
  readonly mailboxes: readonly {
    readonly name: string
    readonly uidValidity: number
    readonly uidNext: number
    /** The mirror cannot hold all keywords of the mailbox. */
    readonly lacksKeywords: boolean
    readonly messages: readonly MirroredMessage[]
  }[]
}

/** The part of a mirror that works on its files, for commands that move a whole store. */
export interface MirrorKeeper {
  /** The plugin's name, e.g. `maildir`. */
  readonly name: string
  /** Resolves when all that was committed for the account is in the mirror, and what is there is in the store. */
  settle(account: AccountId, signal?: AbortSignal): Promise<void>
  /** What is there of an account, read without the store. Undefined when there is nothing. */
  inspect(account: AccountId): Promise<MirroredView | undefined>
}

export const mirrorKeeper = defineService<MirrorKeeper>('core:mirror-keeper')
