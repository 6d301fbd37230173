import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Supervised } from 'mailserver'
import { level } from 'mailserver/plugins/level'
import { validOptions } from '../../../src/kernel/host.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import { factsOf, type LevelOptions } from './open-store.ts'

export type Order =
  | { readonly do: 'count'; readonly times: number }
  | { readonly do: 'hammer'; readonly lanes: number; readonly until: number }
  | { readonly do: 'traffic'; readonly writers: readonly number[] }
  /** Compacts again and again; `filed` tells how often, under the writer -1. */
  | { readonly do: 'compact' }
  /** Scans all the time, several at once. */
  | { readonly do: 'scan' }
  | { readonly do: 'hold'; readonly scope: string }
  | { readonly do: 'watch'; readonly topic: string }
  | { readonly do: 'publish'; readonly topic: string; readonly messages: readonly string[] }
  | { readonly do: 'lease'; readonly name: string; readonly ttlMs: number }
  | { readonly do: 'release'; readonly name: string }
  /** Throws where nobody catches it. */
  | { readonly do: 'throw' }
  | { readonly do: 'close' }

export interface WorkerSetup {
  readonly dataDir: string
  readonly shared: unknown
  readonly worker: number
  readonly options?: LevelOptions
}

/** The main thread's part of the plugin, as the supervisor runs it. */
export async function supervise(
  dataDir: string,
  options: LevelOptions = {},
  log: Log = silentLog,
): Promise<Supervised> {
  const plugin = level(options)
  return plugin.spec.supervise?.({
    options: await validOptions(plugin),
    server: factsOf(dataDir, 0),
    log,
    restart: () => {},
  }) as Supervised
}

/** A worker thread that has the store open. */
export class StoreWorker {
  readonly number: number
  readonly heard: string[] = []
  /** The last acknowledged number of each writer. */
  readonly filed = new Map<number, number>()
  readonly holding: string[] = []
  readonly #worker: Worker
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>()
  readonly #opened = Promise.withResolvers<void>()
  readonly #ended: Promise<unknown>
  #last = 0

  private constructor(setup: WorkerSetup) {
    this.number = setup.worker
    this.#worker = new Worker(join(import.meta.dirname, 'worker-child.ts'), {
      workerData: setup,
      execArgv: ['--conditions=source', '--no-warnings'],
    })
    this.#worker.on('message', (message) => this.#hear(message))
    this.#worker.on('error', (error) => this.#opened.reject(error))
    this.#ended = new Promise((resolve) => this.#worker.once('exit', resolve))
  }

  static async open(setup: WorkerSetup): Promise<StoreWorker> {
    const worker = new StoreWorker(setup)
    await worker.#opened.promise
    return worker
  }

  tell(order: Order): Promise<unknown> {
    const id = ++this.#last
    const waiting = Promise.withResolvers<unknown>()
    // A worker that is ended leaves orders unanswered.
    waiting.promise.catch(() => {})
    this.#waiting.set(id, waiting)
    this.#worker.postMessage({ id, ...order })
    return waiting.promise
  }

  /** Ends the thread wherever it is, as the supervisor does. */
  async terminate({ workerEnding }: Supervised): Promise<void> {
    await workerEnding?.(this.number)
    await this.#worker.terminate()
  }

  /** Resolves when it has ended by itself. */
  async close(): Promise<void> {
    void this.tell({ do: 'close' })
    await this.#ended
  }

  async fail(): Promise<void> {
    void this.tell({ do: 'throw' })
    await this.#ended
  }

  #hear(message: Record<string, unknown>): void {
    if (message.open === true) this.#opened.resolve()
    if (message.heard !== undefined) this.heard.push(message.heard as string)
    if (message.holding !== undefined) this.holding.push(message.holding as string)
    if (message.filed !== undefined) this.filed.set(...(message.filed as [number, number]))
    if (message.id === undefined) return
    const waiting = this.#waiting.get(message.id as number)
    if (message.error === undefined) waiting?.resolve(message.answer)
    else waiting?.reject(new Error(message.error as string))
  }
}
