import { BroadcastChannel } from 'node:worker_threads'
import type { Log } from 'mailserver'

interface Post {
  readonly topic: string
  readonly message: string
}

type Listener = (message: string) => void

/** Topics heard by every thread that has the store open, each thread's own posts included, in the order they were posted. */
export class Bus {
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #channel: BroadcastChannel
  readonly #log: Log

  /** @param name shared by all threads */
  constructor(name: string, log: Log) {
    this.#log = log
    this.#channel = new BroadcastChannel(name)
    this.#channel.onmessage = (event) => this.#deliver((event as { data: Post }).data)
    this.#channel.unref()
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
    const post = { topic, message }
    this.#channel.postMessage(post)
    if (this.#listeners.has(topic)) queueMicrotask(() => this.#deliver(post))
  }

  close(): void {
    this.#listeners.clear()
    this.#channel.close()
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
