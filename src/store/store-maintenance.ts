import { defineService } from '../kernel/service.ts'
import type { BlobRef } from './blob-store.ts'

/** One figure about a store, e.g. `dead_bytes`. */
export interface StoreFigure {
  /** Unique within the store: small letters and underscores. */
  readonly name: string
  readonly value: number
  readonly unit: 'octets' | 'count' | 'percent' | 'seconds'
  /** What it counts, as a sentence without its full stop. */
  readonly help: string
}

/** How far a long piece of work has come. `total` may grow while it runs. */
export interface StoreProgress {
  readonly done: number
  readonly total: number
  readonly unit: 'octets' | 'count'
}

export interface LongWork {
  /** Ends the work early: what was done stays done. */
  readonly signal: AbortSignal
  readonly onProgress?: (progress: StoreProgress) => void
}

/** What a compaction has done. */
export interface Compacted {
  /** What the store is smaller by, in octets. */
  readonly freedBytes: number
  /** Octets and number of the blobs that were written anew for it. */
  readonly movedBytes: number
  readonly movedBlobs: number
}

/** Something in the driver's own files that is not as it was written. */
export interface Damage {
  /** Absolute path. */
  readonly file: string
  /** Octet of the file at which it begins, where it has such a place. */
  readonly offset?: number
  /** What is wrong and what that means, in one sentence. */
  readonly meaning: string
  /** The blob that cannot be read any more, or not wholly. */
  readonly blob?: BlobRef
  /** True when it was put right, or made harmless. */
  readonly isRepaired: boolean
}

export interface CheckOptions extends LongWork {
  /** Puts right what can be put right without losing anything that is still readable. */
  readonly repair: boolean
}

export interface OrphanOptions {
  readonly signal: AbortSignal
  /** Which of these blobs somebody needs, in their order. */
  isNeeded(refs: readonly BlobRef[]): Promise<readonly boolean[]>
}

/**
 * What a storage driver can tell and do about its own files, all of it while the server works. A driver may do without;
 * who uses it says `needs: { maintenance: optional(storeMaintenance) }`. A driver that has it passes
 * `storeMaintenanceContract` of `mailserver/testing`.
 */
export interface StoreMaintenance {
  /** The size of the store and of what it holds. */
  stats(): Promise<readonly StoreFigure[]>
  /**
   * Gives back the room of what is not needed any more. Blobs keep their references, and reads and writes go on. One
   * runs at a time in a store.
   * @throws MailError IN_USE when another one runs, STORE_FULL when there is not even room to make room
   */
  compact(options: LongWork): Promise<Compacted>
  /** Reads everything and proves it: yields what is damaged, and nothing when all is well. */
  check(options: CheckOptions): AsyncIterable<Damage>
  /**
   * Frees blobs that were written in a former run of the server and that nobody came to need before it ended: its crash,
   * for one, leaves such. Looks only where there may be some, so it costs next to nothing when there are none.
   */
  freeOrphans(options: OrphanOptions): Promise<{ readonly freedBlobs: number; readonly freedBytes: number }>
}

/** Absent when the driver in use has nothing to maintain. */
export const storeMaintenance = defineService<StoreMaintenance>('core:store-maintenance')
