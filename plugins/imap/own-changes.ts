import type { AccountId } from 'mailserver'

/** What is remembered until its event comes; an event that never does must not be kept for ever. */
const MAX_REMEMBERED = 100

/** Changes that this session made itself: it is not told of them (RFC 5465 section 5). */
export class OwnChanges {
  readonly #made = new Set<string>()

  add(account: AccountId, modSeq: bigint): void {
    this.#made.add(`${account} ${modSeq}`)
    for (const oldest of this.#made) {
      if (this.#made.size <= MAX_REMEMBERED) return
      this.#made.delete(oldest)
    }
  }

  /** Was it one of ours? It is forgotten with the answer. */
  take(account: AccountId, modSeq: bigint): boolean {
    return this.#made.delete(`${account} ${modSeq}`)
  }
}
