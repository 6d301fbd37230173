import type { Clock, Lease, Log } from 'mailserver'
import type { Database } from './database.ts'
import { readValue } from './index-reader.ts'
import { LEASES, leaseKey } from './private-keys.ts'
import type { ScopeLocks } from './scope-locks.ts'

interface Holder {
  readonly id: string
  readonly until: number
}

/**
 * Leases are keys of the index, written past the log: the store belongs to one process, so nobody can hold one after
 * that process has ended, and the next one begins by clearing them.
 */
export class Leases {
  readonly #db: Database
  readonly #locks: ScopeLocks
  readonly #clock: Clock
  readonly #log: Log
  readonly #held = new Map<string, () => Promise<void>>()

  constructor(options: { db: Database; locks: ScopeLocks; clock: Clock; log: Log }) {
    this.#db = options.db
    this.#locks = options.locks
    this.#clock = options.clock
    this.#log = options.log
  }

  static async clear(db: Database): Promise<void> {
    await db.clear(LEASES)
  }

  async take(name: string, ttlMs: number): Promise<Lease | undefined> {
    const id = crypto.randomUUID()
    const isMine = await this.#update(name, (holder) =>
      holder === undefined || holder.until <= this.#clock.now() ? { id, until: this.#clock.now() + ttlMs } : undefined,
    )
    return isMine ? this.#hold(name, id, ttlMs) : undefined
  }

  /** Gives back everything this thread holds. */
  async close(): Promise<void> {
    await Promise.all([...this.#held.values()].map((release) => release()))
  }

  #hold(name: string, id: string, ttlMs: number): Lease {
    const lost = new AbortController()
    let cancel = () => {}
    const end = () => {
      cancel()
      this.#held.delete(id)
    }
    const lose = (reason: unknown) => {
      end()
      lost.abort(reason)
    }
    let until = this.#clock.now() + ttlMs
    const renew = async () => {
      const next = this.#clock.now() + ttlMs
      try {
        const isMine = await this.#update(name, (holder) => (holder?.id === id ? { id, until: next } : undefined))
        if (!isMine) return lose(new Error(`the lease ${name} was taken over`))
        until = next
      } catch (err) {
        this.#log.warn({ err, lease: name }, 'a lease could not be renewed')
        if (this.#clock.now() >= until) return lose(err)
      }
      if (this.#held.has(id)) schedule()
    }
    const schedule = () => {
      cancel = this.#clock.after(ttlMs / 3, () => void renew())
    }
    const release = async () => {
      if (!this.#held.has(id)) return
      end()
      await this.#update(name, (holder) => (holder?.id === id ? null : undefined))
    }
    this.#held.set(id, release)
    schedule()
    return { lost: lost.signal, release }
  }

  /** Changes the holder while nobody else does; `null` takes it away. Returns whether there was a change. */
  async #update(name: string, change: (holder: Holder | undefined) => Holder | null | undefined): Promise<boolean> {
    const turn = await this.#locks.acquire([`lease:${name}`])
    try {
      const key = leaseKey(name)
      const stored = readValue(this.#db, key)
      const holder = change(stored === undefined ? undefined : (JSON.parse(stored.toString()) as Holder))
      if (holder === undefined) return false
      if (holder === null) await this.#db.del(key)
      else await this.#db.put(key, Buffer.from(JSON.stringify(holder)))
      return true
    } finally {
      turn.end()
    }
  }
}
