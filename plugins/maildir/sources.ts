import { type AccountId, type BlobRef, type Engine, mirrorCommits } from 'mailserver'
import { isMessageRef } from './names/message-ref.ts'

/** So long what was read of the journal is believed, so that to read all that waits does not read it as often. */
const KEPT_MS = 2_000
/** Accounts whose journals are remembered. */
const MAX_ACCOUNTS = 32

/** Finds what a message that is not in its folder yet is to be made from. */
export class Sources {
  readonly #engine: Engine
  readonly #read = new Map<AccountId, { readonly until: number; readonly blobs: ReadonlyMap<BlobRef, BlobRef> }>()

  constructor(engine: Engine) {
    this.#engine = engine
  }

  /** A blob of the store, or a message of another folder. */
  async of(account: AccountId, ref: BlobRef): Promise<BlobRef | undefined> {
    // A blob outlives its link; a message of a folder may be moved in this moment, so that one is never remembered.
    const known = this.#read.get(account)
    const blob = known !== undefined && performance.now() < known.until ? known.blobs.get(ref) : undefined
    if (blob !== undefined) return blob
    const blobs = new Map<BlobRef, BlobRef>()
    let found: BlobRef | undefined
    for (const { operations } of await mirrorCommits(this.#engine, account)) {
      for (const operation of operations) {
        if (operation.kind !== 'added' && operation.kind !== 'moved') continue
        if (!isMessageRef(operation.source)) blobs.set(operation.ref, operation.source)
        if (operation.ref === ref) found = operation.source
      }
    }
    this.#remember(account, blobs)
    return found
  }

  #remember(account: AccountId, blobs: ReadonlyMap<BlobRef, BlobRef>): void {
    this.#read.delete(account)
    if (blobs.size === 0) return
    this.#read.set(account, { until: performance.now() + KEPT_MS, blobs })
    for (const oldest of this.#read.keys()) {
      if (this.#read.size <= MAX_ACCOUNTS) return
      this.#read.delete(oldest)
    }
  }
}
