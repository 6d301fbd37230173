import { randomInt } from 'node:crypto'
import type { Clock } from '../../kernel/clock.ts'
import type { Log } from '../../kernel/log.ts'
import type { Engine, Transaction } from '../engine.ts'
import type { Journey, JourneyEvent, JourneySubject, Journeys } from '../journey.ts'
import { KeyReader } from '../key.ts'
import {
  journeyEventsKey,
  journeyEventsRange,
  journeyExpiryKey,
  journeyFoundKey,
  journeyFoundRange,
  journeyKey,
} from '../layout.ts'
import { expireJourneys } from './expire-journeys.ts'
import { decodeEvents, decodeJourney, encodeEvents, encodeJourney, wordOf, wordsOf } from './journey-codec.ts'
import { RefusedJourneys } from './refused-journeys.ts'

interface JourneysParts {
  readonly engine: Engine
  readonly clock: Clock
  readonly log: Log
}

/** Journeys with what the plugin needs to keep house. */
export interface JourneyStore extends Journeys {
  /** Forgets journeys whose last event is older than `keepMs`. */
  expire(keepMs: number, signal?: AbortSignal): Promise<void>
  /** Writes what still waits. */
  flush(): Promise<void>
}

const DEFAULT_LIMIT = 20
const MAX_LIMIT = 1_000
const NOTHING = Buffer.alloc(0)
/** Below 0xff in its first octet: after a text, `0xff` would read as an escaped NUL (key.ts). */
const MAX_NONCE = 0xfeff_ffff
/** Of what is written with the journey itself. */
const FIRST = 0

/** The journey of every message in the Engine. No key is ever written twice, so no writer needs a scope. */
export function createJourneys(parts: JourneysParts): JourneyStore {
  const { engine, clock } = parts

  const appendIn = (tx: Transaction, id: string, events: readonly JourneyEvent[]): void => {
    const now = clock.now()
    const nonce = randomInt(MAX_NONCE)
    tx.put(journeyEventsKey(id, now, nonce), encodeEvents(events))
    tx.put(journeyExpiryKey(now, id, nonce), NOTHING)
  }
  const beginIn = (tx: Transaction, subject: JourneySubject, events: readonly JourneyEvent[]): void => {
    const beganAt = Math.max(0, Math.floor(events[0]?.at ?? clock.now()))
    tx.put(journeyKey(subject.id), encodeJourney({ beganAt, subject, events }))
    for (const word of wordsOf(subject)) tx.put(journeyFoundKey(word, beganAt, subject.id), NOTHING)
    tx.put(journeyExpiryKey(clock.now(), subject.id, FIRST), NOTHING)
  }
  const refused = new RefusedJourneys(parts, (tx, { subject, events }) => beginIn(tx, subject, events))

  return {
    beginIn,
    appendIn(tx, id, events) {
      if (events.length > 0) appendIn(tx, id, events)
    },
    recordRefused: (subject, events) => refused.add({ subject, events }),
    async find(query, limit = DEFAULT_LIMIT) {
      await refused.flush()
      const wanted = Math.min(limit, MAX_LIMIT)
      const ids = [query.trim(), ...(await idsOf(engine, wordOf(query), wanted))]
      const found = await Promise.all([...new Set(ids)].map((id) => journeyOf(engine, id)))
      return found.filter((journey) => journey !== undefined).slice(0, wanted)
    },
    expire: (keepMs, signal) => expireJourneys(engine, clock.now() - keepMs, signal),
    flush: () => refused.flush(),
  }
}

/** Ids under a word, newest first. */
async function idsOf(engine: Engine, word: string, limit: number): Promise<string[]> {
  const ids: string[] = []
  for await (const batch of engine.scan({ ...journeyFoundRange(word), reverse: true, limit })) {
    for (const [key] of batch) {
      const reader = new KeyReader(key)
      reader.text()
      reader.text()
      reader.u64()
      ids.push(reader.text())
    }
  }
  return ids
}

async function journeyOf(engine: Engine, id: string): Promise<Journey | undefined> {
  const value = await engine.get(journeyKey(id))
  if (value === undefined) return undefined
  const { subject, events: first } = decodeJourney(value)
  const events: JourneyEvent[] = [...first]
  for await (const batch of engine.scan(journeyEventsRange(id))) {
    for (const [, bytes] of batch) events.push(...decodeEvents(bytes))
  }
  // Sorted by their own time: a batch is written when its commit is, not when its events happened.
  return { subject, events: events.sort((a, b) => a.at - b.at) }
}
