import { type Log, MailError } from 'mailserver'
import { IndexWorker, type Role } from './index-worker.ts'
import type { Operation, Operations } from './thread-messages.ts'

/** A thread that begins with a question, and ends when there was none for a while: what it took is given back. */
export class OnDemandThread {
  readonly #role: Role
  readonly #idleMs: number
  readonly #log: Log | undefined
  #worker: IndexWorker | undefined
  /** Ends the thread. */
  #idle: NodeJS.Timeout | undefined
  readonly #ending = new Set<Promise<void>>()
  #isClosed = false

  /** @param log told of indexes that are thrown away because they cannot be used */
  constructor(role: Role, idleMs: number, log: Log | undefined) {
    this.#role = role
    this.#idleMs = idleMs
    this.#log = log
  }

  /** @param given buffers of the arguments, which are the thread's from now on */
  ask<O extends Operation>(
    path: string,
    given: readonly ArrayBuffer[],
    operation: O,
    args: Parameters<Operations[O]>,
  ): Promise<ReturnType<Operations[O]>> {
    if (this.#isClosed) return Promise.reject(new MailError('UNAVAILABLE', 'the search index is closed'))
    clearTimeout(this.#idle)
    if (this.#worker === undefined || this.#worker.hasEnded) this.#worker = this.#start()
    return this.#worker.ask(path, given, operation, args)
  }

  /** Ends the thread once it has answered; whatever is asked then is refused. Safe to repeat. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#end()
    await Promise.all(this.#ending)
  }

  #start(): IndexWorker {
    const onIdle = () => {
      clearTimeout(this.#idle)
      this.#idle = setTimeout(() => this.#end(), this.#idleMs).unref()
    }
    return new IndexWorker(this.#role, onIdle, (what) =>
      this.#log?.warn(what, 'a search index cannot be used: it is made anew'),
    )
  }

  #end(): void {
    clearTimeout(this.#idle)
    const ending = this.#worker?.end()
    this.#worker = undefined
    if (ending === undefined) return
    this.#ending.add(ending)
    void ending.then(() => this.#ending.delete(ending))
  }
}
