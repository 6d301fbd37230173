import type { AccountId } from '../mail-store.ts'

/** What is wrong, in plain words. */
export interface Finding {
  /** The same for every damage of one kind, for programs. */
  readonly kind: string
  readonly account?: AccountId
  /** Name of the mailbox, or its id where the name is what is lost. */
  readonly mailbox?: string
  readonly uid?: number
  /** What is wrong, and what it means for whom. */
  readonly text: string
}

/** A finding with what can be done about it. */
export interface Damage extends Finding {
  /**
   * Looks again, inside a transaction, and puts it right; says what was done. undefined: it is so no more.
   * Absent where it cannot be put right without guessing.
   */
  readonly fix?: () => Promise<string | undefined>
}

export type Damages = AsyncIterable<Damage>

/** Puts the parts of a text together that say which message is meant. */
export const messageText = (uid: number, mailbox: string): string => `message ${uid} in ${mailbox}`
