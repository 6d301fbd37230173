import type { Clock } from '../kernel/clock.ts'

/** Questions by name: what is asked, what is answered. */
export type Questions = Readonly<Record<string, { readonly ask: unknown; readonly answer: unknown }>>
/** News by name: told, never answered. */
export type News = Readonly<Record<string, unknown>>

/** One end of a channel between threads. */
export interface Port {
  postMessage(message: unknown): void
  on(event: 'message', listener: (message: unknown) => void): unknown
}

type Message =
  | { readonly kind: 'ask'; readonly id: number; readonly name: string; readonly value: unknown }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'fault'; readonly id: number; readonly message: string }
  | { readonly kind: 'news'; readonly name: string; readonly value: unknown }

/** The other side did not answer, or answered that it could not. */
export class BusError extends Error {
  override readonly name = 'BusError'
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly cancelTimer: () => void
}

/**
 * Typed messages between the supervisor and a worker, in both directions. Every question has a timeout; all of them
 * fail at once when the other side has gone.
 * @typeParam Asks what this side may ask
 * @typeParam Answers what this side is asked
 */
export class Bus<Asks extends Questions, Tells extends News, Answers extends Questions, Hears extends News> {
  readonly #port: Port
  readonly #clock: Clock
  readonly #waiting = new Map<number, Waiting>()
  readonly #answers = new Map<string, (value: never) => unknown>()
  readonly #hears = new Map<string, (value: never) => void>()
  #last = 0
  #gone: Error | undefined

  constructor(port: Port, clock: Clock) {
    this.#port = port
    this.#clock = clock
    port.on('message', (message) => void this.#receive(message as Message))
  }

  /** @throws BusError when the other side fails, is gone, or takes longer than `timeoutMs` */
  ask<K extends keyof Asks & string>(name: K, value: Asks[K]['ask'], timeoutMs: number): Promise<Asks[K]['answer']> {
    if (this.#gone !== undefined) return Promise.reject(this.#gone)
    const id = ++this.#last
    return new Promise((resolve, reject) => {
      const cancelTimer = this.#clock.after(timeoutMs, () => {
        this.#waiting.delete(id)
        reject(new BusError(`${name}: no answer within ${timeoutMs} ms`))
      })
      this.#waiting.set(id, { resolve, reject, cancelTimer })
      this.#port.postMessage({ kind: 'ask', id, name, value } satisfies Message)
    })
  }

  tell<K extends keyof Tells & string>(name: K, value: Tells[K]): void {
    if (this.#gone === undefined) this.#port.postMessage({ kind: 'news', name, value } satisfies Message)
  }

  answer<K extends keyof Answers & string>(
    name: K,
    handle: (value: Answers[K]['ask']) => Promise<Answers[K]['answer']> | Answers[K]['answer'],
  ): void {
    this.#answers.set(name, handle)
  }

  hear<K extends keyof Hears & string>(name: K, listener: (value: Hears[K]) => void): void {
    this.#hears.set(name, listener)
  }

  /** The other side has gone: nobody waits for it any longer. */
  close(reason: string): void {
    this.#gone ??= new BusError(reason)
    for (const { reject, cancelTimer } of this.#waiting.values()) {
      cancelTimer()
      reject(this.#gone)
    }
    this.#waiting.clear()
  }

  async #receive(message: Message): Promise<void> {
    if (message.kind === 'news') return this.#hears.get(message.name)?.(message.value as never)
    if (message.kind === 'ask') return this.#reply(message.id, message.name, message.value)
    const waiting = this.#waiting.get(message.id)
    if (waiting === undefined) return
    this.#waiting.delete(message.id)
    waiting.cancelTimer()
    if (message.kind === 'answer') waiting.resolve(message.value as never)
    else waiting.reject(new BusError(message.message))
  }

  async #reply(id: number, name: string, value: unknown): Promise<void> {
    try {
      const handle = this.#answers.get(name)
      if (handle === undefined) throw new Error(`nobody answers ${name}`)
      const answer = await handle(value as never)
      this.#port.postMessage({ kind: 'answer', id, value: answer } satisfies Message)
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      this.#port.postMessage({ kind: 'fault', id, message } satisfies Message)
    }
  }
}
