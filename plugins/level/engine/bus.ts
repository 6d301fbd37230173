import { BroadcastChannel } from 'node:worker_threads'
import { crc32 } from 'node:zlib'
import type { Log } from 'mailserver'

interface Post {
  readonly topic: string
  readonly message: string
}

type Listener = (message: string) => void

/**
 * Topics heard by every thread that has the store open. A thread's own posts come back to it by the same way as those of
 * others: so what was posted after a commit is heard everywhere after what was posted before it, whoever posted.
 *
 * Most topics have no watcher, and a post wakes every thread: so they are counted in shared memory, and what nobody watches
 * is not posted. Who begins to watch reads the store after that; what was published before, it finds there.
 */
export class Bus {
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #sender: BroadcastChannel
  readonly #receiver: BroadcastChannel
  readonly #watchers: Int32Array
  readonly #log: Log

  /**
   * @param name shared by all threads
   * @param watchers shared by all threads: how many watch a topic, by its hash. A thread that dies leaves its own
   * behind, which costs posts that nobody hears
   */
  constructor(name: string, watchers: Int32Array, log: Log) {
    this.#watchers = watchers
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
    Atomics.add(this.#watchers, this.#countOf(topic), 1)
    return () => {
      if (!listeners.delete(registered)) return
      Atomics.sub(this.#watchers, this.#countOf(topic), 1)
      if (listeners.size === 0 && this.#listeners.get(topic) === listeners) this.#listeners.delete(topic)
    }
  }

  publish(topic: string, message: string): void {
    if (Atomics.load(this.#watchers, this.#countOf(topic)) === 0) return
    this.#sender.postMessage({ topic, message })
  }

  close(): void {
    for (const [topic, listeners] of this.#listeners) {
      Atomics.sub(this.#watchers, this.#countOf(topic), listeners.size)
      listeners.clear()
    }
    this.#listeners.clear()
    this.#sender.close()
    this.#receiver.close()
  }

  #countOf(topic: string): number {
    return crc32(topic) % this.#watchers.length
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
