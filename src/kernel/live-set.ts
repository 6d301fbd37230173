/**
 * A set for things that come and go all the time, such as connections. Where that happens V8's Map and Set leave behind
 * table after table, each with a link to the next: once one of them is old, everything that was in the set after it stays,
 * with all it holds, until the whole heap is looked through. This one has a single array.
 */
export class LiveSet<T> implements Iterable<T> {
  readonly #members: T[] = []

  get size(): number {
    return this.#members.length
  }

  /** Adds one that is not in it. The returned function takes it out again; it may be called more than once. */
  add(member: T): () => void {
    this.#members.push(member)
    return () => this.#remove(member)
  }

  /** Those that are in it now, in no order that means anything. */
  [Symbol.iterator](): Iterator<T> {
    return [...this.#members].values()
  }

  #remove(member: T): void {
    const at = this.#members.indexOf(member)
    if (at === -1) return
    const last = this.#members.pop() as T
    if (at < this.#members.length) this.#members[at] = last
  }
}
