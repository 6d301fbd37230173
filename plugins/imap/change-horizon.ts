/** How far a mirror knows the changes of its mailbox, by mod-sequence. */
export class ChangeHorizon {
  #completeTo = 0n
  /** Before the first change that was heard of and is not in the mirror yet. */
  #missingAfter: bigint | undefined

  /** Every change up to this one is known; later ones may be. */
  get completeTo(): bigint {
    return this.#completeTo
  }

  /** Nothing was heard of that is not known. */
  get isGapless(): boolean {
    return this.#missingAfter === undefined
  }

  startAt(modSeq: bigint): void {
    this.#completeTo = modSeq
  }

  reach(modSeq: bigint): void {
    if (modSeq > this.#completeTo) this.#completeTo = modSeq
  }

  /** Changes behind this one are missing. */
  missAfter(modSeq: bigint): void {
    if (this.#missingAfter === undefined || modSeq < this.#missingAfter) this.#missingAfter = modSeq
  }

  /**
   * The change behind which all must be read to be complete, which is taken for read from then on; undefined when nothing
   * has happened that is not known, as nearly always. @param highest of the store; a lower one than was known comes from a
   * backup that was restored
   */
  takeGap(highest: bigint): bigint | undefined {
    const missing = this.#missingAfter
    if (highest === this.#completeTo && missing === undefined) return undefined
    this.#missingAfter = undefined
    return missing !== undefined && missing < this.#completeTo ? missing : this.#completeTo
  }
}
