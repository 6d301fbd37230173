import { addressKey, parseAddress } from '../../mail/address.ts'
import type { JourneyEvent, JourneySubject } from '../journey.ts'

/** Octets of a search word in a key; longer ones are cut, in the query as in the key. */
const MAX_WORD = 255

/** A journey as it begins: what happened up to the message's commit is written with it. */
interface StoredJourney {
  /** Milliseconds since the epoch of its first event. */
  readonly beganAt: number
  readonly subject: JourneySubject
  readonly events: readonly JourneyEvent[]
}

export function encodeJourney({ beganAt, subject, events }: StoredJourney): Buffer {
  return Buffer.from(JSON.stringify({ version: 1, beganAt, subject, events }))
}

export function decodeJourney(bytes: Buffer): StoredJourney {
  return JSON.parse(bytes.toString()) as StoredJourney
}

export function encodeEvents(events: readonly JourneyEvent[]): Buffer {
  return Buffer.from(JSON.stringify(events))
}

export function decodeEvents(bytes: Buffer): readonly JourneyEvent[] {
  return JSON.parse(bytes.toString()) as JourneyEvent[]
}

/** The words that lead to a journey: its Message-ID without brackets, and every address. */
export function wordsOf({ messageIdHeader, sender, recipients }: JourneySubject): string[] {
  const words = new Set<string>()
  if (messageIdHeader !== undefined) words.add(wordOf(messageIdHeader))
  if (sender !== undefined) words.add(wordOf(sender))
  for (const recipient of recipients) words.add(wordOf(recipient))
  words.delete('')
  return [...words]
}

/** ASCII without quotes, literals and a dot at the end: only its case can differ from its one spelling. */
const PLAIN = /^[a-z0-9!#$%&'*+/=?^_`{|}~.-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)*$/i

/** One spelling of an address or a Message-ID: case and angle brackets do not matter. */
export function wordOf(text: string): string {
  const trimmed = text.trim()
  const bare = trimmed.startsWith('<') && trimmed.endsWith('>') ? trimmed.slice(1, -1) : trimmed
  if (bare.length <= MAX_WORD && PLAIN.test(bare)) return bare.toLowerCase()
  const address = parseAddress(bare)
  const word = address === undefined ? bare.toLowerCase() : addressKey(address)
  return Buffer.byteLength(word) <= MAX_WORD ? word : Buffer.from(word).toString('utf8', 0, MAX_WORD)
}
