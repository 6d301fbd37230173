declare const shape: unique symbol

/** A typed place for one plugin's data on a session or a message; others read it only by holding the slot. */
export interface Slot<T> {
  readonly id: string
  readonly [shape]?: T
}

export function defineSlot<T>(id: string): Slot<T> {
  return Object.freeze({ id })
}

/** What a session or a message carries for plugins. */
export class Slots {
  readonly #values = new Map<Slot<unknown>, unknown>()

  get<T>(slot: Slot<T>): T | undefined {
    return this.#values.get(slot) as T | undefined
  }

  set<T>(slot: Slot<T>, value: T): void {
    this.#values.set(slot, value)
  }
}
