import type { DataSet } from './data-set.ts'
import type { Figure } from './figure.ts'
import type { Need, System, SystemKind } from './system.ts'

/** What one run of a case gave: the value of each of its figures. */
export type Measured = Readonly<Record<string, number>>

/** How long and how often things are done. */
export interface Effort {
  /** A run of something that is counted by the second lasts about so long. */
  readonly targetMs: number
  readonly isQuick: boolean
}

export interface Case {
  /** Unique in its scenario. */
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  /** Peers that take part when none are asked for; all of the scenario when absent. */
  readonly peers?: readonly string[]
  /** Left out of a quick run. */
  readonly isLong?: boolean
  /** Runs at most, where each takes long. */
  readonly maxRuns?: number
  run(system: System, effort: Effort): Promise<Measured>
}

export interface Scenario {
  readonly name: string
  /** What it measures, in a sentence. */
  readonly about: string
  readonly peers: readonly SystemKind[]
  /** Names of those that take part in a quick run; all when absent. */
  readonly quickPeers?: readonly string[]
  readonly need: Need
  /** Mail that each system has before. */
  readonly data?: DataSet
  readonly cases: readonly Case[]
  /** Left out of a quick run as a whole. */
  readonly isLong?: boolean
  /** Once for each system, before anything is measured: warms it up. */
  prepare?(system: System, effort: Effort): Promise<void>
  /** Needed beside the systems, such as a sink that relayed mail goes to. Returns what `need` shall have more. */
  around?(): Promise<AsyncDisposable & { readonly need?: Partial<Need> }>
}
