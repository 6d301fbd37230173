import type { DatabaseOptions } from './engine/database.ts'
import type { Durability } from './segments/segment-log.ts'
import type { KeyRing } from './vault/key-ring.ts'

/** How a store is opened. Octets throughout. */
export interface StoreOptions extends DatabaseOptions {
  readonly durability: Durability
  readonly segmentBytes: number
  readonly reserveBytes: number
  /** What the store is encrypted with; undefined when it is not. */
  readonly ring: KeyRing | undefined
  readonly compression: 'none' | 'zstd'
}
