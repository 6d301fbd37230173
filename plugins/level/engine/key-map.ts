import type { Key } from 'mailserver'

/** Of all octets of a key (FNV-1a), cut to 30 bits: V8 keeps such a number without an object. */
export type KeyHash = number

const FNV_OFFSET = 0x811c_9dc5
const FNV_PRIME = 0x0100_0193
const SMALL = 0x3fff_ffff

export function hashOf(key: Key): KeyHash {
  let hash = FNV_OFFSET
  for (let at = 0; at < key.length; at++) hash = Math.imul(hash ^ (key[at] as number), FNV_PRIME)
  return hash & SMALL
}

interface Slot<V> {
  key: Key
  readonly hash: KeyHash
  value: V
  /** Another key of the same bucket. */
  next: Slot<V> | undefined
}

/** A power of two. */
const FEW_BUCKETS = 16

/**
 * A map by the octets of keys. As text each key would be looked up in the table of all texts of the thread, which costs more
 * than all else. The table is our own, and not one of V8's Map: where keys come and go that leaves behind table after table,
 * each with a link to the next, and what is reached from an old one stays until the whole heap is looked through.
 */
export class KeyMap<V> {
  #buckets: (Slot<V> | undefined)[] = emptyBuckets(FEW_BUCKETS)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Key, hash: KeyHash): V | undefined {
    return this.#find(key, hash)?.value
  }

  set(key: Key, hash: KeyHash, value: V): void {
    const slot = this.#find(key, hash)
    if (slot !== undefined) {
      // The newest key is the one it will be asked for with: the same object is compared at once.
      slot.key = key
      slot.value = value
      return
    }
    if (this.#size === this.#buckets.length) this.#grow()
    this.#size += 1
    this.#link({ key, hash, value, next: undefined })
  }

  delete(key: Key, hash: KeyHash): void {
    const found = this.#find(key, hash)
    if (found === undefined) return
    this.#size -= 1
    const at = hash & (this.#buckets.length - 1)
    let before = this.#buckets[at]
    if (before === found) this.#buckets[at] = found.next
    else {
      while (before !== undefined && before.next !== found) before = before.next
      if (before !== undefined) before.next = found.next
    }
    found.next = undefined
  }

  clear(): void {
    this.#buckets = emptyBuckets(FEW_BUCKETS)
    this.#size = 0
  }

  /** In no order that means anything. */
  values(): V[] {
    const values: V[] = []
    for (const first of this.#buckets) {
      for (let slot = first; slot !== undefined; slot = slot.next) values.push(slot.value)
    }
    return values
  }

  #find(key: Key, hash: KeyHash): Slot<V> | undefined {
    let slot = this.#buckets[hash & (this.#buckets.length - 1)]
    while (slot !== undefined && !(slot.hash === hash && isSame(slot.key, key))) slot = slot.next
    return slot
  }

  #link(slot: Slot<V>): void {
    const at = slot.hash & (this.#buckets.length - 1)
    slot.next = this.#buckets[at]
    this.#buckets[at] = slot
  }

  #grow(): void {
    const before = this.#buckets
    this.#buckets = emptyBuckets(before.length * 2)
    for (const first of before) {
      for (let slot = first; slot !== undefined; ) {
        const { next }: Slot<V> = slot
        this.#link(slot)
        slot = next
      }
    }
  }
}

function emptyBuckets<V>(count: number): (Slot<V> | undefined)[] {
  return new Array<Slot<V> | undefined>(count).fill(undefined)
}

function isSame(one: Key, other: Key): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  // Keys differ at their end, if they do.
  for (let at = one.length - 1; at >= 0; at--) if (one[at] !== other[at]) return false
  return true
}
