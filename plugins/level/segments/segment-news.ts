import { BroadcastChannel } from 'node:worker_threads'

type News = { readonly deleted: readonly number[] } | { readonly end: true }

export interface NewsListener {
  /** The segment is gone: a file that is kept open keeps its room. */
  deleted(segment: number): void
  /** Somebody wants to compact: the segment that is being written should end. */
  end(): void
}

/** What the threads of a store tell each other about its segments. */
export class SegmentNews {
  readonly #channel: BroadcastChannel

  constructor(root: string, listener: NewsListener) {
    this.#channel = new BroadcastChannel(nameOf(root))
    this.#channel.onmessage = (event) => {
      const news = (event as { data: News }).data
      if ('end' in news) listener.end()
      else for (const segment of news.deleted) listener.deleted(segment)
    }
    this.#channel.unref()
  }

  static tell(root: string, news: News): void {
    const channel = new BroadcastChannel(nameOf(root))
    channel.postMessage(news)
    channel.close()
  }

  close(): void {
    this.#channel.close()
  }
}

const nameOf = (root: string) => `mailserver-segments:${root}`
