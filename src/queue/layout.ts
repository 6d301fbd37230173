import type { Entry, Key, Range } from '../store/engine.ts'
import { KeyReader, key, prefixRange, u64 } from '../store/key.ts'
import type { MessageId, QueueMessage, QueueRecipient } from './queue.ts'

/**
 * The queue's keys, all below `queue`:
 *
 * | key | value |
 * | --- | --- |
 * | `message` id | the message: envelope, blob, times (JSON) |
 * | `recipient` id index | one recipient's state (JSON); in the order that `list` prints |
 * | `due` destination due-time id index | nothing: what waits, by destination, oldest first |
 * | `claim` owner id index | when the claim ends, u64: what is being delivered, by the worker that does it |
 * | `pause` destination | nothing: this destination is paused |
 * | `pause-all` | nothing: everything is |
 *
 * An entry has exactly one of: a `due` key (waiting), a `claim` key (delivering), neither (held). The due index is
 * partitioned by destination, so that a destination which is busy or paused costs a claim nothing, however much waits
 * for it. Records and index keys of a message change only in the scope of that message.
 */
const SPACE = 'queue'

/** A recipient as it is stored: what everybody sees, and what only the queue knows. */
export interface StoredRecipient extends QueueRecipient {
  /** Who holds the claim; set while delivering. */
  readonly owner?: string
  /** What an operator asked for while it was being delivered; done when the attempt ends. */
  readonly mark?: Mark
}

/** A message as it is stored. */
export interface StoredMessage extends QueueMessage {
  /** How many it had when it was queued: when all of them end at once, nobody need look for others. */
  readonly recipientCount: number
}

export type Mark =
  | { readonly kind: 'hold' }
  | { readonly kind: 'retry' }
  | { readonly kind: 'remove' }
  | { readonly kind: 'bounce'; readonly reason: string }

/** Engine topic: what waits for a destination, `<due time> <destination>`, or nothing: pauses have changed. */
export const DUE_TOPIC = 'queue:due'

/** Engine topic: an operator asks for entries to be tried again. */
export const RETRY_TOPIC = 'queue:retry'

export const messageScope = (id: MessageId): string => `queue:${id}`

/** Owner of the blob link that keeps a queued message's bytes. */
export const blobOwner = (id: MessageId): string => `queue:${id}`

export const messageKey = (id: MessageId): Key => key(SPACE, 'message', id)
export const recipientKey = (id: MessageId, index: number): Key => key(SPACE, 'recipient', id, index)
export const recipientsOf = (id: MessageId): Range => prefixRange(SPACE, 'recipient', id)
export const allRecipients = (): Range & { gte: Key; lt: Key } => prefixRange(SPACE, 'recipient')

export const dueKey = (destination: string, dueAt: number, id: MessageId, index: number): Key =>
  key(SPACE, 'due', destination, ...u64(dueAt), id, index)
export const allDue = (): Range & { gte: Key; lt: Key } => prefixRange(SPACE, 'due')
export const dueOf = (destination: string): Range & { gte: Key; lt: Key } => prefixRange(SPACE, 'due', destination)
/** What waits for a destination from a time on. */
export const dueFrom = (destination: string, from: number): Range => ({
  gte: key(SPACE, 'due', destination, ...u64(from)),
  lt: dueOf(destination).lt,
})

export const claimKey = (owner: string, id: MessageId, index: number): Key => key(SPACE, 'claim', owner, id, index)
export const allClaims = (): Range => prefixRange(SPACE, 'claim')

export const PAUSE_ALL: Key = key(SPACE, 'pause-all')
export const pauseKey = (destination: string): Key => key(SPACE, 'pause', destination)
export const allPauses = (): Range => prefixRange(SPACE, 'pause')

export interface DueEntry {
  readonly destination: string
  readonly dueAt: number
  readonly id: MessageId
  readonly index: number
}

export function readDueKey(bytes: Key): DueEntry {
  const reader = below(bytes)
  const destination = reader.text()
  const dueAt = Number(reader.u64())
  return { destination, dueAt, id: reader.text() as MessageId, index: reader.u32() }
}

export function readClaim([bytes, value]: Entry): { owner: string; id: MessageId; index: number; until: number } {
  const reader = below(bytes)
  const owner = reader.text()
  return { owner, id: reader.text() as MessageId, index: reader.u32(), until: Number(value.readBigUInt64BE(0)) }
}

export const readPauseKey = (bytes: Key): string => below(bytes).text()

export function claimValue(until: number): Buffer {
  const value = Buffer.allocUnsafe(8)
  value.writeBigUInt64BE(BigInt(until))
  return value
}

export const NOTHING: Buffer = Buffer.alloc(0)

export const encode = (record: StoredMessage | StoredRecipient): Buffer => Buffer.from(JSON.stringify(record))
export const decodeMessage = (value: Buffer): StoredMessage => JSON.parse(value.toString()) as StoredMessage
export const decodeRecipient = (value: Buffer): StoredRecipient => JSON.parse(value.toString()) as StoredRecipient

/** Domain, or the next hop that replaces it: what concurrency is counted by and pauses name. */
export const destinationOf = ({ recipient, route }: Pick<QueueRecipient, 'recipient' | 'route'>): string =>
  route ?? recipient.address.domain

/** What everybody may see of a stored recipient. */
export function publicRecipient(stored: StoredRecipient): QueueRecipient {
  const { owner: _, mark: __, ...recipient } = stored
  return recipient
}

export function publicMessage(stored: StoredMessage): QueueMessage {
  const { recipientCount: _, ...message } = stored
  return message
}

/** A reader that stands behind the two words every key begins with. */
function below(bytes: Key): KeyReader {
  const reader = new KeyReader(bytes)
  reader.text()
  reader.text()
  return reader
}
