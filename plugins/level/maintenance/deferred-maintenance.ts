import { type Damage, MailError, type StoreMaintenance } from 'mailserver'

/** The StoreMaintenance that setup hands out: it works from start to stop. */
export class DeferredMaintenance implements StoreMaintenance {
  #opened: StoreMaintenance | undefined

  open(maintenance: StoreMaintenance): void {
    this.#opened = maintenance
  }

  close(): void {
    this.#opened = undefined
  }

  async stats(): ReturnType<StoreMaintenance['stats']> {
    return this.#maintenance.stats()
  }

  async compact(options: Parameters<StoreMaintenance['compact']>[0]): ReturnType<StoreMaintenance['compact']> {
    return this.#maintenance.compact(options)
  }

  async *check(options: Parameters<StoreMaintenance['check']>[0]): AsyncGenerator<Damage> {
    yield* this.#maintenance.check(options)
  }

  async freeOrphans(
    options: Parameters<StoreMaintenance['freeOrphans']>[0],
  ): ReturnType<StoreMaintenance['freeOrphans']> {
    return this.#maintenance.freeOrphans(options)
  }

  get #maintenance(): StoreMaintenance {
    if (this.#opened === undefined) throw new MailError('UNAVAILABLE', 'the store is not open')
    return this.#opened
  }
}
