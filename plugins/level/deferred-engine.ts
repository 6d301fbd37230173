import {
  type Engine,
  type Entry,
  type Key,
  type Lease,
  MailError,
  type Range,
  type Snapshot,
  type Transaction,
  type TransactOptions,
} from 'mailserver'

interface Watch {
  readonly topic: string
  readonly listener: (message: string) => void
  end: (() => void) | undefined
}

/** The Engine that setup hands out: watchers may be registered at once, everything else works from start to stop. */
export class DeferredEngine implements Engine {
  readonly #watches = new Set<Watch>()
  #opened: Engine | undefined

  open(engine: Engine): void {
    this.#opened = engine
    for (const watch of this.#watches) watch.end = engine.watch(watch.topic, watch.listener)
  }

  close(): void {
    this.#opened = undefined
  }

  get(key: Key): Promise<Buffer | undefined> {
    return this.#ask((engine) => engine.get(key))
  }

  getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    return this.#ask((engine) => engine.getMany(keys))
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return this.#engine.scan(range)
  }

  snapshot(): Promise<Snapshot> {
    return this.#ask((engine) => engine.snapshot())
  }

  transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>, options?: TransactOptions): Promise<T> {
    return this.#ask((engine) => engine.transact(scopes, fn, options))
  }

  transactRelaxed<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#ask((engine) => engine.transactRelaxed(scopes, fn))
  }

  watch(topic: string, listener: (message: string) => void): () => void {
    const watch: Watch = { topic, listener, end: this.#opened?.watch(topic, listener) }
    this.#watches.add(watch)
    return () => {
      this.#watches.delete(watch)
      watch.end?.()
    }
  }

  publish(topic: string, message: string): void {
    this.#engine.publish(topic, message)
  }

  lease(name: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#ask((engine) => engine.lease(name, ttlMs))
  }

  /** Not an async function: it would cost every read three more turns of the microtask queue. */
  #ask<T>(fn: (engine: Engine) => Promise<T>): Promise<T> {
    return this.#opened === undefined ? Promise.reject(notOpen()) : fn(this.#opened)
  }

  get #engine(): Engine {
    if (this.#opened === undefined) throw notOpen()
    return this.#opened
  }
}

const notOpen = (): MailError => new MailError('UNAVAILABLE', 'the store is not open')
