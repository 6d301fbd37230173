import type { Clock } from 'mailserver'
import { SmtpFault } from './smtp-fault.ts'

const MAX_HOSTS = 10_000

/** A host that stays away is asked less and less often: its pauses double up to this many times the first. */
const MAX_FACTOR = 5

interface Note {
  readonly pauseMs: number
  readonly text: string
  until: number
  /** The attempt that finds out whether it is back; resolves when it knows. */
  probe: Promise<void> | undefined
}

/** The host is passed over: it could not be reached a short while ago. */
export class HostAway extends Error {
  override readonly name = 'HostAway'
  /** When it may be tried again, milliseconds since the epoch. */
  readonly until: number

  constructor(message: string, until: number) {
    super(message)
    this.until = until
  }
}

/**
 * Hosts that could not be reached. Each is left alone for a while; then one attempt finds out for all others, which
 * wait for it. Bounded: the oldest is forgotten.
 */
export class DeadHosts {
  readonly #clock: Clock
  readonly #firstMs: number
  readonly #notes = new Map<string, Note>()

  /** @param firstMs how long a host is left alone at first */
  constructor(clock: Clock, firstMs: number) {
    this.#clock = clock
    this.#firstMs = firstMs
  }

  /**
   * Connects, unless the host is known to be away.
   * @throws HostAway without having tried; else what `connect` throws
   */
  async reach<T>(host: string, signal: AbortSignal, connect: () => Promise<T>): Promise<T> {
    for (;;) {
      const note = this.#notes.get(host)
      if (note === undefined) return this.#connect(host, signal, connect)
      if (note.until > this.#clock.now()) throw new HostAway(note.text, note.until)
      if (note.probe === undefined) return this.#probe(note, () => this.#connect(host, signal, connect))
      await endOf(note.probe, signal)
    }
  }

  /** Each may be tried now, by one attempt first: an operator knows better. */
  doubt(): void {
    for (const note of this.#notes.values()) note.until = 0
  }

  async #probe<T>(note: Note, connect: () => Promise<T>): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<void>()
    note.probe = promise
    try {
      return await connect()
    } finally {
      note.probe = undefined
      resolve()
    }
  }

  async #connect<T>(host: string, signal: AbortSignal, connect: () => Promise<T>): Promise<T> {
    try {
      const reached = await connect()
      this.#notes.delete(host)
      return reached
    } catch (error) {
      if (isAway(error) && !signal.aborted) this.#note(host, error)
      // It answered, whatever it said. When the attempt was broken off nothing is known.
      else if (!signal.aborted) this.#notes.delete(host)
      throw error
    }
  }

  #note(host: string, { message }: SmtpFault): void {
    const before = this.#notes.get(host)
    const now = this.#clock.now()
    // Attempts that were on their way together fail together: that is one absence.
    if (before !== undefined && before.until > now) return
    const pauseMs = before === undefined ? this.#firstMs : Math.min(before.pauseMs * 2, this.#firstMs * MAX_FACTOR)
    this.#notes.delete(host)
    this.#notes.set(host, { pauseMs, text: message, until: now + pauseMs, probe: undefined })
    const oldest = this.#notes.keys().next()
    if (this.#notes.size > MAX_HOSTS && !oldest.done) this.#notes.delete(oldest.value)
  }
}

/** No connection, or one on which the server said nothing. */
function isAway(error: unknown): error is SmtpFault {
  if (!(error instanceof SmtpFault)) return false
  return error.phase === 'connect' || (error.phase === 'session' && error.reply === undefined)
}

/** @throws the signal's reason when it fires first */
function endOf(probe: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    if (signal.aborted) return onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    void probe.then(() => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    })
  })
}
