import { MailError } from '../errors/mail-error.ts'
import { HashGate } from './hash-gate.ts'

/** Waiting checks of one peer, and of all. */
export interface HashQueueLimits {
  readonly perPeer: number
  readonly total: number
}

export const HASH_LIMITS: HashQueueLimits = { perPeer: 20, total: 1000 }

interface Waiting {
  readonly work: () => Promise<void>
  readonly refuse: (error: unknown) => void
  readonly signal: AbortSignal | undefined
}

/**
 * Runs one password hash at a time, in all workers together. Hashing shares libuv's threads with the store's commits, and a storm of logins must
 * not starve them; peers take turns, so that one that floods only delays itself.
 */
export class HashQueue {
  readonly #gate: HashGate
  readonly #limits: HashQueueLimits
  readonly #byPeer = new Map<string, Waiting[]>()
  #waiting = 0
  #isRunning = false

  constructor(limits: HashQueueLimits = HASH_LIMITS, gate: HashGate = new HashGate()) {
    this.#gate = gate
    this.#limits = limits
  }

  /** @throws MailError LIMIT_REACHED when too many wait; the signal's reason when it fires before the turn comes */
  run<T>(peer: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const queue = this.#byPeer.get(peer) ?? []
    if (queue.length >= this.#limits.perPeer || this.#waiting >= this.#limits.total) {
      return Promise.reject(new MailError('LIMIT_REACHED', `too many logins of ${peer} wait for their turn`))
    }
    return new Promise<T>((resolve, reject) => {
      queue.push({ work: () => work().then(resolve, reject), refuse: reject, signal })
      this.#byPeer.set(peer, queue)
      this.#waiting += 1
      void this.#drain()
    })
  }

  async #drain(): Promise<void> {
    if (this.#isRunning) return
    this.#isRunning = true
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (next.signal?.aborted) {
        next.refuse(next.signal.reason)
        continue
      }
      const leave = await this.#gate.enter()
      await next.work()
      leave()
    }
    this.#isRunning = false
  }

  /** The first of the peer whose turn it is; that peer goes to the end of the round. */
  #next(): Waiting | undefined {
    const [first] = this.#byPeer
    if (first === undefined) return undefined
    const [peer, queue] = first
    const waiting = queue.shift()
    this.#waiting -= 1
    this.#byPeer.delete(peer)
    if (queue.length > 0) this.#byPeer.set(peer, queue)
    return waiting
  }
}
