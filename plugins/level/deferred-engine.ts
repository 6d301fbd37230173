import {
  type Engine,
  type Entry,
  type Key,
  type Lease,
  MailError,
  type Range,
  type Snapshot,
  type Transaction,
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

  async get(key: Key): Promise<Buffer | undefined> {
    return this.#engine.get(key)
  }

  async getMany(keys: readonly Key[]): Promise<(Buffer | undefined)[]> {
    return this.#engine.getMany(keys)
  }

  scan(range: Range): AsyncIterable<readonly Entry[]> {
    return this.#engine.scan(range)
  }

  async snapshot(): Promise<Snapshot> {
    return this.#engine.snapshot()
  }

  async transact<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#engine.transact(scopes, fn)
  }

  async transactRelaxed<T>(scopes: readonly string[], fn: (tx: Transaction) => Promise<T>): Promise<T> {
    return this.#engine.transactRelaxed(scopes, fn)
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

  async lease(name: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#engine.lease(name, ttlMs)
  }

  get #engine(): Engine {
    if (this.#opened === undefined) throw new MailError('UNAVAILABLE', 'the store is not open')
    return this.#opened
  }
}
