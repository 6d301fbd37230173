import type { Directory } from '../directory/directory.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Log } from '../kernel/log.ts'
import type { ServerFacts } from '../kernel/plugin.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import type { ReverseNames } from '../net/reverse-names.ts'
import type { Queue } from '../queue/queue.ts'
import type { BlobStore } from '../store/blob-store.ts'
import type { Engine } from '../store/engine.ts'
import type { Journeys } from '../store/journey.ts'
import type { LocalDelivery } from '../store/local-delivery.ts'
import type { MailStore } from '../store/mail-store.ts'
import type { HoldBudget } from './hold-budget.ts'
import type { IntakeMetrics } from './intake-metrics.ts'
import type { IntakeOptions } from './intake-options.ts'

/** What every phase of the way in works with. */
export interface IntakeCore {
  readonly engine: Engine
  readonly blobs: BlobStore
  readonly mailStore: MailStore
  readonly directory: Directory
  readonly queue: Queue
  readonly localDelivery: LocalDelivery
  readonly journeys: Journeys
  readonly reverseNames: ReverseNames
  readonly server: ServerFacts
  readonly run: HookRunner
  readonly log: Log
  readonly clock: Clock
  readonly options: IntakeOptions
  readonly budget: HoldBudget
  readonly metrics: IntakeMetrics
}
