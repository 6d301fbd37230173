/** Somebody who keeps what could be read again. */
export interface Keeper {
  /** Lets go of everything, and gives it back to the budget. */
  clear(): void
}

/** How much the mailboxes of a worker keep of one kind together. What was used longest ago goes first. */
export class CacheBudget {
  readonly #max: number
  /** What each keeps, the one that was used last at the end. */
  readonly #keepers = new Map<Keeper, number>()
  #total = 0

  /** @param max octets, roughly: each keeper counts what it takes */
  constructor(max: number) {
    this.#max = max
  }

  /** It is of use: others go before it. */
  used(keeper: Keeper): void {
    const octets = this.#keepers.get(keeper)
    if (octets === undefined) return
    this.#keepers.delete(keeper)
    this.#keepers.set(keeper, octets)
  }

  /** @returns false when there is no room, even without what all others keep */
  take(keeper: Keeper, octets: number): boolean {
    const own = this.#keepers.get(keeper) ?? 0
    if (own + octets > this.#max) return false
    for (const oldest of this.#keepers.keys()) {
      if (this.#total + octets <= this.#max) break
      if (oldest !== keeper) oldest.clear()
    }
    this.#keepers.set(keeper, own + octets)
    this.#total += octets
    return true
  }

  giveBack(keeper: Keeper): void {
    this.#total -= this.#keepers.get(keeper) ?? 0
    this.#keepers.delete(keeper)
  }
}
