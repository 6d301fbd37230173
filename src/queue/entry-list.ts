import type { Engine, Range } from '../store/engine.ts'
import { compileFilter, readEntryId } from './filter.ts'
import {
  allRecipients,
  decodeMessage,
  decodeRecipient,
  messageKey,
  publicMessage,
  publicRecipient,
  recipientKey,
  recipientsOf,
} from './layout.ts'
import type { MessageId, QueueEntry, QueueFilter, QueueMessage, QueueRecipient } from './queue.ts'

const DEFAULT_PAGE = 100

/** Entries whose messages are read together: a page of a few reads no more than a few. */
const STEP = 64

/** Reads of the queue, in the order of message ids: a page that was read never shifts when others come or go. */
export class EntryList {
  readonly #engine: Engine

  constructor(engine: Engine) {
    this.#engine = engine
  }

  async page(
    filter: QueueFilter,
    { after, limit = DEFAULT_PAGE }: { after?: string; limit?: number } = {},
  ): Promise<{ entries: readonly QueueEntry[]; next?: string }> {
    const entries: QueueEntry[] = []
    for await (const entry of this.matching(filter, after)) {
      if (entries.length === limit) return { entries, next: nameOf(entries.at(-1) as QueueEntry) }
      entries.push(entry)
    }
    return { entries }
  }

  async count(filter: QueueFilter): Promise<number> {
    let count = 0
    for await (const _ of this.matching(filter)) count += 1
    return count
  }

  /** Entries grouped by message. */
  async *byMessage(filter: QueueFilter): AsyncIterable<{ id: MessageId; indexes: readonly number[] }> {
    let group: { id: MessageId; indexes: number[] } | undefined
    for await (const { recipient } of this.matching(filter)) {
      if (group?.id !== recipient.message) {
        if (group !== undefined) yield group
        group = { id: recipient.message, indexes: [] }
      }
      group.indexes.push(recipient.index)
    }
    if (group !== undefined) yield group
  }

  async *matching(filter: QueueFilter, after?: string): AsyncIterable<QueueEntry> {
    const compiled = compileFilter(filter)
    let message: QueueMessage | undefined
    for await (const batch of this.#engine.scan(rangeOf(compiled.message, after))) {
      for (let at = 0; at < batch.length; at += STEP) {
        const recipients = batch.slice(at, at + STEP).map(([, value]) => publicRecipient(decodeRecipient(value)))
        const messages = await this.#messagesOf(recipients, message)
        for (const recipient of recipients) {
          message = messages.get(recipient.message)
          if (message !== undefined && compiled.matches(message, recipient)) yield { message, recipient }
        }
      }
    }
  }

  async #messagesOf(
    recipients: readonly QueueRecipient[],
    known: QueueMessage | undefined,
  ): Promise<Map<MessageId, QueueMessage>> {
    const messages = new Map<MessageId, QueueMessage>()
    if (known !== undefined) messages.set(known.id, known)
    const ids = new Set(recipients.map(({ message }) => message))
    const missing = [...ids].filter((id) => !messages.has(id))
    for (const value of await this.#engine.getMany(missing.map(messageKey))) {
      if (value === undefined) continue
      const message = publicMessage(decodeMessage(value))
      messages.set(message.id, message)
    }
    return messages
  }
}

/** `<message>/<index>`: what commands call an entry. */
const nameOf = ({ recipient }: QueueEntry): string => `${recipient.message}/${recipient.index}`

function rangeOf(message: MessageId | undefined, after: string | undefined): Range {
  const range = message === undefined ? allRecipients() : recipientsOf(message)
  const { id, index } = readEntryId(after)
  if (id === undefined) return range
  const { gte: _, ...rest } = range
  const from = recipientKey(id, index ?? 0)
  if (range.gte !== undefined && from.compare(range.gte) < 0) return range
  return { ...rest, gt: from }
}
