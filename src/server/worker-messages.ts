import type { ServerEvent } from '../control/routes/server.ts'
import type { WorkerReport } from '../control/server-status.ts'
import type { ConfigProblem } from '../errors/config-error.ts'
import type { DrainReason } from '../kernel/plugin.ts'
import type { LogTarget } from './server-log.ts'

/** What a worker thread is started with. */
export interface WorkerStart {
  readonly configFile: string
  /** Unique among the workers that live. */
  readonly worker: number
  readonly generation: number
  readonly log: LogTarget
  /** Module with the rooms of the core; the usual one when left out. */
  readonly core?: string
  /** What each plugin's `supervise` shared, by plugin name. */
  readonly shared: Readonly<Record<string, unknown>>
}

/** What the supervisor asks a worker. */
export type WorkerQuestions = {
  /** Loads the config, sets plugins up and starts them. */
  readonly start: { readonly ask: null; readonly answer: StartAnswer }
  readonly drain: { readonly ask: { readonly deadlineMs: number; readonly reason: DrainReason }; readonly answer: null }
  readonly stop: { readonly ask: null; readonly answer: null }
  readonly report: { readonly ask: null; readonly answer: WorkerReport }
  /** prom-client's JSON, to be merged with that of the other workers. */
  readonly metrics: { readonly ask: null; readonly answer: readonly object[] }
  readonly control: {
    readonly ask: { readonly method: string; readonly url: string; readonly body: string | null }
    readonly answer: { readonly status: number; readonly contentType: string; readonly body: string }
  }
}

export type StartAnswer =
  | { readonly ok: true /** Digest of the config that the worker evaluated. */; readonly digest: string }
  | { readonly ok: false; readonly error: StartError }

/** An error of a worker's start, so that it can cross threads with all it says. */
export interface StartError {
  readonly kind: 'config' | 'user' | 'plugin' | 'fault'
  readonly message: string
  readonly stack?: string
  readonly file?: string
  readonly problems?: readonly ConfigProblem[]
  readonly nextSteps?: readonly string[]
  readonly plugin?: string
}

/** What a worker tells on its own. */
export type WorkerNews = {
  readonly event: ServerEvent
}

/** What the supervisor tells a worker. */
export type SupervisorNews = {
  /** Does somebody read the live feed? Events are sent only then. */
  readonly watched: boolean
  readonly reopenLog: null
}

export type NoQuestions = Record<never, never>
