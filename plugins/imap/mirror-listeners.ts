/** What changed in a mailbox, told to every view of it. UIDs in no particular order. */
export interface MirrorChange {
  readonly flags: readonly number[]
  readonly expunged: readonly number[]
  readonly hasNew: boolean
  /** The mailbox itself is gone. */
  readonly isDeleted: boolean
}

export type MirrorListener = (change: MirrorChange) => void

/** Who hears of the changes of one mailbox. */
export class MirrorListeners {
  readonly #listeners = new Map<object, MirrorListener>()

  /** @param owner is left out of what it does itself. @returns ends it */
  add(owner: object, listener: MirrorListener): () => void {
    this.#listeners.set(owner, listener)
    return () => void this.#listeners.delete(owner)
  }

  tell(change: Partial<MirrorChange>, except?: object): void {
    const whole = { flags: NONE, expunged: NONE, hasNew: false, isDeleted: false, ...change }
    for (const [owner, listener] of this.#listeners) if (owner !== except) listener(whole)
  }
}

const NONE: readonly number[] = []
