/** Which messages are `\Recent` to one session (RFC 3501 section 2.3.2): runs of UIDs it was the first to hear of. */
export class RecentUids {
  readonly #runs: { readonly from: number; to: number }[] = []

  /** All UIDs from `from` on, up to and with `to`. */
  add(from: number, to: number): void {
    if (from > to) return
    const last = this.#runs.at(-1)
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to)
    else this.#runs.push({ from, to })
  }

  has(uid: number): boolean {
    return this.#runs.some(({ from, to }) => uid >= from && uid <= to)
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0
  }

  /** The runs, for counting. */
  get runs(): readonly { readonly from: number; readonly to: number }[] {
    return this.#runs
  }
}
