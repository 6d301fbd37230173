import type { BlobStore } from 'mailserver'
import type { SectionItem } from '../wire/fetch-items.ts'
import { type LoadedMessage, load, type MessageToRead, planReading } from './section-reader.ts'

/** Octets that are read ahead of the message that is being sent. */
const AHEAD_BYTES = 2 * 1024 * 1024
const AHEAD_MESSAGES = 32

/** Messages in order with their sections, the next ones being read while one is sent. */
export async function* loadAhead<M extends MessageToRead>(
  blobs: BlobStore,
  sections: readonly SectionItem[],
  messages: readonly M[],
): AsyncGenerator<[M, LoadedMessage]> {
  const loading: { readonly loaded: Promise<LoadedMessage>; readonly cost: number }[] = []
  let octets = 0
  let ahead = 0
  for (const [at, message] of messages.entries()) {
    while (ahead < messages.length && ahead < at + AHEAD_MESSAGES) {
      const plan = planReading(sections, messages[ahead] as M)
      if (ahead > at && octets + plan.cost > AHEAD_BYTES) break
      const loaded = load(blobs, plan)
      // When an earlier one fails, nobody waits for this one any more.
      loaded.catch(() => {})
      loading.push({ loaded, cost: plan.cost })
      octets += plan.cost
      ahead += 1
    }
    const { loaded, cost } = loading.shift() as (typeof loading)[number]
    yield [message, await loaded]
    octets -= cost
  }
}
