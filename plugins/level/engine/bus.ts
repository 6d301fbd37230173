import { BroadcastChannel } from 'node:worker_threads'
import type { Log } from 'mailserver'

interface Post {
  readonly topic: string
  readonly message: string
}

type Listener = (message: string) => void

/**
 * Topics heard by every thread that has the store open. A thread's own posts come back to it by the same way as those of
 * others: so what was posted after a commit is heard everywhere after what was posted before it, whoever posted.
 */
export class Bus {
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #sender: BroadcastChannel
  readonly #receiver: BroadcastChannel
  readonly #log: Log

  /** @param name shared by all threads */
  constructor(name: string, log: Log) {
    this.#log = log
    this.#sender = new BroadcastChannel(name)
    this.#sender.unref()
    this.#receiver = new BroadcastChannel(name)
    this.#receiver.onmessage = (event) => this.#deliver((event as { data: Post }).data)
    this.#receiver.unref()
  }

  watch(topic: string, listener: Listener): () => void {
    // A registration of its own, so that the same function may watch twice.
    const registered: Listener = (message) => listener(message)
    const listeners = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, listeners.add(registered))
    return () => {
      listeners.delete(registered)
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
    }
  }

  publish(topic: string, message: string): void {
    this.#sender.postMessage({ topic, message })
  }

  close(): void {
    this.#listeners.clear()
    this.#sender.close()
    this.#receiver.close()
  }

  #deliver({ topic, message }: Post): void {
    for (const listener of this.#listeners.get(topic) ?? []) {
      try {
        listener(message)
      } catch (err) {
        this.#log.error({ topic, err }, 'a watcher failed')
      }
    }
  }
}
