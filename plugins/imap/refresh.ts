/** Brings something up to date. Those who ask at the same time share the work. */
export class Refresh {
  readonly #work: () => Promise<void>
  #running: Promise<void> | undefined
  #isStale = false

  constructor(work: () => Promise<void>) {
    this.#work = work
  }

  get isRunning(): boolean {
    return this.#running !== undefined
  }

  /** What the one that runs has read may be old: it is done once more. */
  spoil(): void {
    this.#isStale = true
  }

  /** Resolves when the work was done from the call on. */
  async run(): Promise<void> {
    if (this.#running !== undefined) {
      // The one that runs may have read before the change.
      this.#isStale = true
      await this.#running
      return
    }
    this.#running = this.#untilFresh()
    try {
      await this.#running
    } finally {
      this.#running = undefined
    }
  }

  async #untilFresh(): Promise<void> {
    do {
      this.#isStale = false
      await this.#work()
    } while (this.#isStale)
  }
}
