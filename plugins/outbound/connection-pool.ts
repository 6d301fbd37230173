import type { Clock } from 'mailserver'
import type { ClientOptions, Endpoint } from './open-session.ts'
import { SmtpClient } from './smtp-client.ts'

export interface PoolOptions {
  readonly maxMessages: number
  readonly idleMs: number
  readonly client: ClientOptions
  readonly clock: Clock
}

/** A connection in the hands of one attempt. */
export interface Leased {
  readonly client: SmtpClient
  /** It has carried a message before: it may have gone in the meantime without our knowing. */
  readonly isReused: boolean
  /** Keeps it for the next message, if it is good for one; else lets it go. */
  giveBack(): void
}

interface Kept {
  readonly client: SmtpClient
  messages: number
  forget: () => void
}

/** Connections that have carried a message, kept for a short time for the next one to the same server. */
export class ConnectionPool {
  readonly #options: PoolOptions
  readonly #idle = new Map<string, Kept[]>()
  #open = 0
  #isClosed = false

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Connections that are open, in use or not. */
  get size(): number {
    return this.#open
  }

  /** @throws SmtpFault */
  async take(endpoint: Endpoint, signal: AbortSignal): Promise<Leased> {
    const name = nameOf(endpoint)
    for (let kept = this.#pop(name); kept !== undefined; kept = this.#pop(name)) {
      if (!kept.client.isOpen) continue
      try {
        await kept.client.reset(signal)
        return this.#lease(name, kept.client, kept.messages, true)
      } catch {
        signal.throwIfAborted()
        // It had gone: a new one is no worse.
        kept.client.close()
      }
    }
    const client = await SmtpClient.connect(endpoint, this.#options.client, signal)
    this.#open += 1
    client.onEnd(() => {
      this.#open -= 1
    })
    return this.#lease(name, client, 0, false)
  }

  /** Ends the idle connections; those in use end when they are given back. */
  close(): void {
    this.#isClosed = true
    for (const name of [...this.#idle.keys()]) {
      for (let kept = this.#pop(name); kept !== undefined; kept = this.#pop(name)) kept.client.quit()
    }
  }

  #lease(name: string, client: SmtpClient, before: number, isReused: boolean): Leased {
    return { client, isReused, giveBack: () => this.#keep(name, client, before + 1) }
  }

  #keep(name: string, client: SmtpClient, messages: number): void {
    if (!client.isOpen) return
    if (this.#isClosed || messages >= this.#options.maxMessages) {
      client.quit()
      return
    }
    const kept: Kept = { client, messages, forget: () => {} }
    const drop = () => {
      const left = (this.#idle.get(name) ?? []).filter((one) => one !== kept)
      if (left.length > 0) this.#idle.set(name, left)
      else this.#idle.delete(name)
      kept.forget()
    }
    const cancel = this.#options.clock.after(this.#options.idleMs, () => {
      drop()
      client.quit()
    })
    const stopListening = client.onEnd(drop)
    const forget = () => {
      cancel()
      stopListening()
    }
    kept.forget = forget
    this.#idle.set(name, [...(this.#idle.get(name) ?? []), kept])
  }

  /** The one used last: the others may then time out. */
  #pop(name: string): Kept | undefined {
    const list = this.#idle.get(name)
    const kept = list?.pop()
    if (list?.length === 0) this.#idle.delete(name)
    kept?.forget()
    return kept
  }
}

/** What a connection may be shared by: never by two that differ in how it was secured or who logged in. */
function nameOf({ address, port, name, tls, verify, ca, auth }: Endpoint): string {
  return JSON.stringify([address, port, name, tls, verify, ca, auth?.user])
}
