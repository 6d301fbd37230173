import { BroadcastChannel } from 'node:worker_threads'

/**
 * Which unix sockets this process listens on. Threads do not share memory, so a worker asks the others; a channel of this
 * kind never leaves the process.
 */
const CHANNEL = 'mailserver:unix-endpoints'

/** How long the others may take: they answer between two events. */
const ANSWER_TIMEOUT_MS = 2_000

type Message = { readonly kind: 'asked' | 'held'; readonly path: string }

const held = new Set<string>()
let channel: BroadcastChannel | undefined

/** From now on this thread answers for the path. */
export function hold(path: string): void {
  held.add(path)
  if (channel !== undefined) return
  const opened = new BroadcastChannel(CHANNEL)
  opened.onmessage = (event) => {
    const { kind, path: asked } = (event as { data: Message }).data
    if (kind === 'asked' && held.has(asked)) opened.postMessage({ kind: 'held', path: asked } satisfies Message)
  }
  opened.unref()
  channel = opened
}

export function letGo(path: string): void {
  held.delete(path)
  if (held.size > 0) return
  channel?.close()
  channel = undefined
}

/** Does another thread of this process, and not this one, listen there? */
export async function heldByAnotherThread(path: string): Promise<boolean> {
  if (held.has(path)) return false
  const asking = new BroadcastChannel(CHANNEL)
  try {
    return await new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), ANSWER_TIMEOUT_MS)
      asking.onmessage = (event) => {
        const { kind, path: answered } = (event as { data: Message }).data
        if (kind !== 'held' || answered !== path) return
        clearTimeout(timer)
        resolve(true)
      }
      asking.postMessage({ kind: 'asked', path } satisfies Message)
    })
  } finally {
    asking.close()
  }
}
