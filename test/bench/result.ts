import type { Figure } from './figure.ts'
import type { Series } from './statistics.ts'

/** One system's figures in one case. */
export interface SystemResult {
  readonly system: string
  /** By the figure's key. */
  readonly series: Readonly<Record<string, Series>>
  /** Why there are none, or fewer runs than asked for. */
  readonly fault?: string
}

export interface CaseResult {
  readonly name: string
  readonly title: string
  readonly figures: readonly Figure[]
  readonly systems: readonly SystemResult[]
}

export interface ScenarioResult {
  readonly name: string
  readonly about: string
  readonly seconds: number
  readonly cases: readonly CaseResult[]
  /** Markdown tables of where our processor time went, when it was asked for. */
  readonly profile?: string
}

/** A system that took part, or why it did not. */
export interface Participant {
  readonly name: string
  readonly title: string
  readonly durability: string
}

export interface BenchResult {
  readonly startedAt: string
  readonly seconds: number
  readonly runs: number
  readonly isQuick: boolean
  readonly machine: Readonly<Record<string, string>>
  readonly participants: readonly Participant[]
  /** Peers that could not run on this machine, with the reason. */
  readonly absent: readonly { readonly name: string; readonly reason: string }[]
  readonly scenarios: readonly ScenarioResult[]
}
