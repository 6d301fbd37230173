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
  value: V
  /** Another key with the same hash. */
  next: Slot<V> | undefined
}

/** A map by the octets of keys. As text each key would be looked up in the table of all texts of the thread, which costs more than all else. */
export class KeyMap<V> {
  readonly #slots = new Map<KeyHash, Slot<V>>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get(key: Key, hash: KeyHash): V | undefined {
    return this.#find(key, hash)?.value
  }

  set(key: Key, hash: KeyHash, value: V): void {
    const slot = this.#find(key, hash)
    if (slot === undefined) {
      this.#slots.set(hash, { key, value, next: this.#slots.get(hash) })
      this.#size += 1
      return
    }
    // The newest key is the one it will be asked for with: the same object is compared at once.
    slot.key = key
    slot.value = value
  }

  delete(key: Key, hash: KeyHash): void {
    const found = this.#find(key, hash)
    if (found === undefined) return
    this.#size -= 1
    const first = this.#slots.get(hash)
    if (first !== found) {
      let before = first
      while (before?.next !== found) before = before?.next
      before.next = found.next
    } else if (found.next === undefined) this.#slots.delete(hash)
    else this.#slots.set(hash, found.next)
  }

  clear(): void {
    this.#slots.clear()
    this.#size = 0
  }

  /** In no order that means anything. */
  values(): V[] {
    const values: V[] = []
    for (const first of this.#slots.values()) {
      for (let slot: Slot<V> | undefined = first; slot !== undefined; slot = slot.next) values.push(slot.value)
    }
    return values
  }

  #find(key: Key, hash: KeyHash): Slot<V> | undefined {
    let slot = this.#slots.get(hash)
    while (slot !== undefined && !isSame(slot.key, key)) slot = slot.next
    return slot
  }
}

function isSame(one: Key, other: Key): boolean {
  if (one === other) return true
  if (one.length !== other.length) return false
  // Keys differ at their end, if they do.
  for (let at = one.length - 1; at >= 0; at--) if (one[at] !== other[at]) return false
  return true
}
