import { BroadcastChannel } from 'node:worker_threads'

/** Tells all threads which segments are gone, so that none keeps a file open whose room is wanted back. */
export class SegmentNews {
  readonly #channel: BroadcastChannel

  constructor(root: string, forget: (segment: number) => void) {
    this.#channel = new BroadcastChannel(nameOf(root))
    this.#channel.onmessage = (event) => {
      for (const segment of (event as { data: readonly number[] }).data) forget(segment)
    }
    this.#channel.unref()
  }

  static deleted(root: string, segments: readonly number[]): void {
    const channel = new BroadcastChannel(nameOf(root))
    channel.postMessage(segments)
    channel.close()
  }

  close(): void {
    this.#channel.close()
  }
}

const nameOf = (root: string) => `mailserver-segments:${root}`
