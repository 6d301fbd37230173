/** Questions that are remembered: what was asked longest ago may be asked again. */
const MAX_QUESTIONS = 200

/** How much a mailbox has changed since it was selected, as far as its client was told. */
export interface Churn {
  readonly arrived: number
  readonly expunged: number
}

/**
 * What a client has asked UIDBATCHES of the mailbox that it has selected. The same is asked again only once more than half
 * a batch of messages has come, or has gone: otherwise the ranges it has are as good (RFC 10022 section 3.1.1).
 */
export class AskedBatches {
  readonly #asked = new Map<string, Churn>()

  /** Takes note of the question. @returns false when the client must not ask it again yet */
  mayAsk(size: number, range: { readonly from: number; readonly to: number } | undefined, now: Churn): boolean {
    const question = range === undefined ? `${size}` : `${size} ${range.from}:${range.to}`
    const before = this.#asked.get(question)
    if (before !== undefined) {
      const hasChanged = now.arrived - before.arrived > size / 2 || now.expunged - before.expunged > size / 2
      if (!hasChanged) return false
      this.#asked.delete(question)
    }
    this.#asked.set(question, { arrived: now.arrived, expunged: now.expunged })
    const [oldest] = this.#asked.keys()
    if (this.#asked.size > MAX_QUESTIONS && oldest !== undefined) this.#asked.delete(oldest)
    return true
  }
}
