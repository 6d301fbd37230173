import type { AccountId } from 'mailserver'

/** What is remembered until its event comes; an event that never does must not be kept for ever. */
const MAX_REMEMBERED = 100

/** What this session changed itself: it is not told of that (RFC 5465 section 5). */
export class OwnChanges {
  readonly #made = new Set<string>()
  /** UIDs that it put in its own mailbox, and names it changed, since it was last told. */
  #messages: number[] = []
  #names: string[] = []

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

  addName(name: string): void {
    this.#names.push(name)
    if (this.#names.length > MAX_REMEMBERED) this.#names.shift()
  }

  takeNames(): readonly string[] {
    const names = this.#names
    this.#names = []
    return names
  }

  addMessages(uids: readonly number[]): void {
    for (const uid of uids) this.#messages.push(uid)
  }

  takeMessages(): readonly number[] {
    const messages = this.#messages
    this.#messages = []
    return messages
  }
}
