import type { AccountIndex } from './account-index.ts'

/** What can be asked of the index of an account. */
export interface Operations {
  coverage: AccountIndex['coverage']
  known: AccountIndex['known']
  index: AccountIndex['index']
  retain: AccountIndex['retain']
  retainMailboxes: AccountIndex['retainMailboxes']
  search: AccountIndex['search']
  figures: AccountIndex['figures']
  clear: () => void
}

export type Operation = keyof Operations

export interface Request {
  readonly number: number
  /** File of the account. */
  readonly path: string
  readonly operation: Operation
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly number: number; readonly value: unknown }
  | { readonly number: number; readonly error: string }

/** Told beside the answers: the file of an account could not be used any more, and is made anew. */
export interface ThrownAway {
  readonly path: string
  readonly reason: string
}
