import type { DatabaseOptions } from './engine/database.ts'
import type { Durability } from './segments/segment-log.ts'

/** How a store is opened. Octets throughout. */
export interface StoreOptions extends DatabaseOptions {
  readonly durability: Durability
  readonly segmentBytes: number
  readonly reserveBytes: number
}
