import type { Reader } from '../engine.ts'
import { decodeEvents, decodeJourney } from '../journeys/journey-codec.ts'
import { KeyReader, prefixRange } from '../key.ts'
import { journeyEventsRange, journeyExpiryKey, journeyFoundKey, journeyKey } from '../layout.ts'
import type { Damage, Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import { count, type VerifyContext } from './verify-context.ts'

/** Ids of journeys that are held in memory at a time. */
const IDS_AT_ONCE = 250_000
/** The mark of what a journey begins with. */
const FIRST = 0

/** Journeys: each has a mark that lets it go in time, and every way to a journey leads to one. */
export async function* verifyJourneys(context: VerifyContext): Damages {
  yield* verifyRecords(context)
  yield* verifyEvents(context)
  yield* verifyWays(context)
}

/** A mark stands under its time, not under its journey: the journeys are looked at in turns that fit into memory. */
async function* verifyRecords(context: VerifyContext): Damages {
  const { reader, signal } = context
  let journeys = 0
  for await (const batch of reader.scan(prefixRange('journey'))) journeys += batch.length
  count(context, 'journeys', journeys)
  const turns = Math.max(1, Math.ceil(journeys / IDS_AT_ONCE))
  for (let turn = 0; turn < turns; turn++) {
    const marked = await markedIds(reader, (id) => turnOf(id, turns) === turn)
    for await (const batch of reader.scan(prefixRange('journey'))) {
      signal?.throwIfAborted()
      for (const [at, value] of batch) {
        const id = idIn(at)
        if (turnOf(id, turns) !== turn) continue
        if (decoded(value, decodeJourney)?.subject === undefined) yield unreadable(context, id)
        else if (!marked.has(id)) yield unmarked(context, id)
      }
    }
  }
}

async function markedIds(reader: Reader, isWanted: (id: string) => boolean): Promise<ReadonlySet<string>> {
  const marked = new Set<string>()
  for await (const batch of reader.scan(prefixRange('journey-expiry'))) {
    for (const [at] of batch) {
      const parts = new KeyReader(at)
      parts.text()
      parts.u64()
      const id = parts.text()
      if (isWanted(id)) marked.add(id)
    }
  }
  return marked
}

function turnOf(id: string, turns: number): number {
  let sum = 0
  for (let at = 0; at < id.length; at++) sum = (sum * 31 + id.charCodeAt(at)) >>> 0
  return sum % turns
}

function unmarked({ store }: VerifyContext, id: string): Damage {
  return {
    kind: 'journey-mark',
    text: `the journey ${id} has no mark that lets it go: it would be kept for ever`,
    fix: () =>
      store.engine.transact([`journey:${id}`], async (tx) => {
        if ((await tx.get(journeyKey(id))) === undefined) return undefined
        tx.put(journeyExpiryKey(store.clock.now(), id, FIRST), Buffer.alloc(0))
        return 'set a mark of today'
      }),
  }
}

function unreadable({ store }: VerifyContext, id: string): Damage {
  return {
    kind: 'journey-record',
    text: `the journey ${id} is unreadable: mailserver trace cannot show it`,
    fix: () =>
      store.engine.transact([`journey:${id}`], async (tx) => {
        for await (const batch of tx.scan(journeyEventsRange(id))) for (const [at] of batch) tx.delete(at)
        tx.delete(journeyKey(id))
        return 'removed the journey; the mail itself is not touched'
      }),
  }
}

async function* verifyEvents(context: VerifyContext): Damages {
  const { reader, store, signal } = context
  for await (const batch of reader.scan(prefixRange('journey-events'))) {
    signal?.throwIfAborted()
    const events = batch.map(([at, value]) => {
      const parts = new KeyReader(at)
      parts.text()
      const id = parts.text()
      const time = Number(parts.u64())
      return { key: at, id, mark: journeyExpiryKey(time, id, parts.u32()), value }
    })
    const marks = await reader.getMany(events.map(({ mark }) => mark))
    for (const [at, { key, id, mark, value }] of events.entries()) {
      if (decoded(value, decodeEvents) === undefined) {
        yield unreadable(context, id)
      } else if (marks[at] === undefined) {
        yield {
          kind: 'journey-mark',
          text: `events of the journey ${id} have no mark that lets them go: they would be kept for ever`,
          fix: () =>
            store.engine.transact([`journey:${id}`], async (tx) => {
              const [event, live] = await tx.getMany([key, mark])
              if (event === undefined || live !== undefined) return undefined
              tx.put(mark, Buffer.alloc(0))
              return 'set the mark'
            }),
        }
      }
    }
  }
}

async function* verifyWays({ reader, store, signal }: VerifyContext): Damages {
  for await (const batch of reader.scan(prefixRange('journey-found'))) {
    signal?.throwIfAborted()
    const ways = batch.map(([at]) => {
      const parts = new KeyReader(at)
      parts.text()
      const word = parts.text()
      const time = Number(parts.u64())
      const id = parts.text()
      return { id, key: journeyFoundKey(word, time, id) }
    })
    const found = await reader.getMany(ways.map(({ id }) => journeyKey(id)))
    for (const [at, { id, key }] of ways.entries()) {
      if (found[at] !== undefined) continue
      yield {
        kind: 'journey-way',
        text: `a search word leads to the journey ${id}, which does not exist`,
        fix: () =>
          store.engine.transact([`journey:${id}`], async (tx) => {
            const [way, journey] = await tx.getMany([key, journeyKey(id)])
            if (way === undefined || journey !== undefined) return undefined
            tx.delete(key)
            return 'removed it'
          }),
      }
    }
  }
}

function idIn(at: Buffer): string {
  const parts = new KeyReader(at)
  parts.text()
  return parts.text()
}
