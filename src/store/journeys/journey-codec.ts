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

/** An event without names, of which a journey would be mostly made: it is written for every message. */
type StoredEvent = readonly [
  /** Milliseconds since the event before, or since the journey began. */
  sinceLast: number,
  step: string,
  text: string,
  plugin?: string | 0,
  detail?: JourneyEvent['detail'],
]

/** 0 stands for what is absent. Before version 2 it was the object itself. */
type Stored = readonly [
  version: 2,
  beganAt: number,
  subject: readonly [id: string, messageIdHeader: string | 0, sender: string | 0, recipients: readonly string[]],
  events: readonly StoredEvent[],
]

export function encodeJourney({ beganAt, subject, events }: StoredJourney): Buffer {
  const { id, messageIdHeader = 0, sender = 0, recipients } = subject
  const stored: Stored = [2, beganAt, [id, messageIdHeader, sender, recipients], pack(events, beganAt)]
  return Buffer.from(JSON.stringify(stored))
}

export function decodeJourney(bytes: Buffer): StoredJourney {
  const stored = JSON.parse(bytes.toString()) as Stored | StoredJourney
  if (!('length' in stored)) return stored
  const [, beganAt, [id, messageIdHeader, sender, recipients], events] = stored
  const subject = {
    id,
    ...(messageIdHeader !== 0 && { messageIdHeader }),
    ...(sender !== 0 && { sender }),
    recipients,
  }
  return { beganAt, subject, events: unpack(events, beganAt) }
}

export function encodeEvents(events: readonly JourneyEvent[]): Buffer {
  return Buffer.from(JSON.stringify(pack(events, 0)))
}

export function decodeEvents(bytes: Buffer): readonly JourneyEvent[] {
  return unpack(JSON.parse(bytes.toString()) as (StoredEvent | JourneyEvent)[], 0)
}

function pack(events: readonly JourneyEvent[], from: number): StoredEvent[] {
  let last = from
  return events.map(({ at, step, text, plugin, detail }) => {
    const sinceLast = at - last
    last = at
    if (detail !== undefined) return [sinceLast, step, text, plugin ?? 0, detail]
    return plugin === undefined ? [sinceLast, step, text] : [sinceLast, step, text, plugin]
  })
}

/** @param events as they were before version 2 as well */
function unpack(events: readonly (StoredEvent | JourneyEvent)[], from: number): JourneyEvent[] {
  let last = from
  return events.map((event) => {
    if (!('length' in event)) return event
    const [sinceLast, step, text, plugin, detail] = event
    last += sinceLast
    return { at: last, step, text, ...(plugin && { plugin }), ...(detail && { detail }) }
  })
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
