const MAX_FRESH = 1000

/**
 * Which destinations have something waiting, and since when: a heap in memory in front of the due index. It may be
 * too early about a destination (another worker took the entry): a claim then looks, finds nothing and corrects it. It
 * must never be too late: every commit that adds an entry says so, and the whole is read again from time to time.
 */
export class DueDestinations {
  readonly #dueAt = new Map<string, number>()
  /** A binary heap by time. Places whose time is not the map's any more are skipped when they come up. */
  readonly #heap: { destination: string; dueAt: number }[] = []
  /** Destinations that got something new lately, the last at the end; bounded, and only a hint. */
  readonly #fresh: string[] = []
  #isFreshTurn = true
  readonly #looks = new Set<{ readonly destination: string; lowest: number }>()

  get size(): number {
    return this.#dueAt.size
  }

  /** Something is due for it at `dueAt`, perhaps with something earlier in front. */
  lower(destination: string, dueAt: number): void {
    for (const look of this.#looks) {
      if (look.destination === destination) look.lowest = Math.min(look.lowest, dueAt)
    }
    const known = this.#dueAt.get(destination)
    if (known !== undefined && known <= dueAt) return
    this.#put(destination, dueAt)
    this.#fresh.push(destination)
    if (this.#fresh.length > MAX_FRESH) this.#fresh.shift()
  }

  /**
   * Puts in what a look into the index shows; undefined: nothing waits for the destination. What is announced while the
   * look goes on counts as well: the index may have been read just before it.
   * @param read is told the earliest time at which there may be something: a store need not wade through what is gone
   */
  async look(destination: string, read: (from: number) => Promise<number | undefined>): Promise<void> {
    const look = { destination, lowest: Number.POSITIVE_INFINITY }
    this.#looks.add(look)
    try {
      const from = this.#dueAt.get(destination) ?? 0
      const dueAt = Math.min((await read(from)) ?? Number.POSITIVE_INFINITY, look.lowest)
      if (dueAt === Number.POSITIVE_INFINITY) this.#dueAt.delete(destination)
      else this.#put(destination, dueAt)
    } finally {
      this.#looks.delete(look)
    }
  }

  /**
   * Destinations due at `now` that `isWanted`, at most `limit`: the earliest, and in every second place one that got
   * something new. So a long line of destinations that time out does not hold up new mail to those that answer.
   * They stay known.
   */
  ready(now: number, limit: number, isWanted: (destination: string) => boolean): string[] {
    const wanted: string[] = []
    const seen = new Map<string, number>()
    while (wanted.length < limit) {
      this.#isFreshTurn = !this.#isFreshTurn
      const fresh = this.#isFreshTurn
        ? this.#popFresh(now, (name) => !wanted.includes(name) && isWanted(name))
        : undefined
      if (fresh !== undefined) {
        wanted.push(fresh)
        continue
      }
      const top = this.#heap[0]
      if (top === undefined || top.dueAt > now) break
      this.#pop()
      if (this.#dueAt.get(top.destination) !== top.dueAt || seen.has(top.destination)) continue
      seen.set(top.destination, top.dueAt)
      if (!wanted.includes(top.destination) && isWanted(top.destination)) wanted.push(top.destination)
    }
    for (const [destination, dueAt] of seen) this.#put(destination, dueAt)
    return wanted.sort((a, b) => (this.#dueAt.get(a) ?? 0) - (this.#dueAt.get(b) ?? 0))
  }

  /** The earliest time after `now` at which a destination becomes due. */
  next(now: number): number | undefined {
    let earliest: number | undefined
    for (const dueAt of this.#dueAt.values()) {
      if (dueAt > now && (earliest === undefined || dueAt < earliest)) earliest = dueAt
    }
    return earliest
  }

  #popFresh(now: number, isWanted: (destination: string) => boolean): string | undefined {
    for (;;) {
      const destination = this.#fresh.pop()
      if (destination === undefined) return undefined
      const dueAt = this.#dueAt.get(destination)
      // What is not due yet, or not wanted now, keeps its place in the heap.
      if (dueAt !== undefined && dueAt <= now && isWanted(destination)) return destination
    }
  }

  #put(destination: string, dueAt: number): void {
    this.#dueAt.set(destination, dueAt)
    const heap = this.#heap
    if (heap.length > 64 && heap.length > 4 * this.#dueAt.size) {
      this.#rebuild()
      return
    }
    let at = heap.push({ destination, dueAt }) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) break
      this.#swap(at, parent)
      at = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    let at = 0
    for (;;) {
      const left = 2 * at + 1
      const right = left + 1
      let least = at
      if (left < heap.length && this.#isBefore(left, least)) least = left
      if (right < heap.length && this.#isBefore(right, least)) least = right
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  /** Drops the places that are out of date. A sorted array is a heap. */
  #rebuild(): void {
    const live = [...this.#dueAt].map(([destination, dueAt]) => ({ destination, dueAt }))
    live.sort((a, b) => a.dueAt - b.dueAt)
    this.#heap.splice(0, this.#heap.length, ...live)
  }

  #isBefore(a: number, b: number): boolean {
    return (this.#heap[a]?.dueAt ?? 0) < (this.#heap[b]?.dueAt ?? 0)
  }

  #swap(a: number, b: number): void {
    const heap = this.#heap
    const held = heap[a] as { destination: string; dueAt: number }
    heap[a] = heap[b] as { destination: string; dueAt: number }
    heap[b] = held
  }
}
