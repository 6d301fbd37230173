import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { MailError } from 'mailserver'
import type { Answer, Operation, Operations, Request, ThrownAway } from './thread-messages.ts'

/** Most of what the thread holds are octets, which lie elsewhere: without a limit V8 keeps its young objects for long. */
const YOUNG_MB = 8

/** What a thread is for: `writer` goes behind everything else that wants the processor. */
export type Role = 'writer' | 'reader'

interface Waiting {
  resolve(value: unknown): void
  reject(cause: unknown): void
}

/** The thread in which SQLite works, and who waits for it. */
export class IndexWorker {
  readonly #thread: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #ended: Promise<void>
  readonly #onIdle: () => void
  #last = 0
  #isEnding = false
  #hasEnded = false

  /**
   * @param role told to the thread
   * @param onIdle called each time when the last who waited has an answer
   * @param onThrownAway told of files that could not be used
   */
  constructor(role: Role, onIdle: () => void, onThrownAway: (what: ThrownAway) => void) {
    this.#onIdle = onIdle
    this.#thread = new Worker(new URL(`./index-thread${extname(import.meta.url)}`, import.meta.url), {
      workerData: role satisfies Role,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    })
    this.#thread.on('message', (message: Answer | ThrownAway) => {
      if ('path' in message) onThrownAway(message)
      else this.#answer(message)
    })
    let fault: unknown
    this.#thread.on('error', (cause) => {
      fault = cause
    })
    this.#ended = new Promise((resolve) => {
      this.#thread.once('exit', () => {
        this.#hasEnded = true
        for (const { reject } of this.#waiting.values()) {
          reject(new MailError('UNAVAILABLE', 'the thread of the search index has ended', { cause: fault }))
        }
        this.#waiting.clear()
        resolve()
      })
    })
  }

  /** Whatever ended it. */
  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** @param given buffers of the arguments, which are the thread's from now on */
  ask<O extends Operation>(
    path: string,
    given: readonly ArrayBuffer[],
    operation: O,
    args: Parameters<Operations[O]>,
  ): Promise<ReturnType<Operations[O]>> {
    this.#last += 1
    const request: Request = { number: this.#last, path, operation, args }
    return new Promise((resolve, reject) => {
      // Whoever waits for an answer is not to be left without one by the end of the process.
      this.#thread.ref()
      this.#waiting.set(request.number, { resolve: resolve as Waiting['resolve'], reject })
      this.#thread.postMessage(request, given)
    })
  }

  /** Ends it once it has answered. Safe to repeat. */
  end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true
      this.#thread.ref()
      this.#thread.postMessage('close')
    }
    return this.#ended
  }

  #answer(answer: Answer): void {
    const waiting = this.#waiting.get(answer.number)
    this.#waiting.delete(answer.number)
    if ('error' in answer) waiting?.reject(new MailError('UNAVAILABLE', `the search index: ${answer.error}`))
    else waiting?.resolve(answer.value)
    if (this.#waiting.size > 0 || this.#isEnding) return
    this.#thread.unref()
    this.#onIdle()
  }
}
