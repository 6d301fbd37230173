import type { Upgrade } from './upgrade-layout.ts'

/** One step for each layout that was ever released, in order; each brings a store to the next. There is one layout so far. */
export const UPGRADES: readonly Upgrade[] = []
