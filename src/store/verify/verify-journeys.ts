import { decodeEvents, decodeSubject } from '../journeys/journey-codec.ts'
import { KeyReader, prefixRange } from '../key.ts'
import { journeyEventsRange, journeyExpiryKey, journeyFoundKey, journeyKey } from '../layout.ts'
import type { Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import { count, type VerifyContext } from './verify-context.ts'

/** Journeys: every batch of events has the mark that lets it go in time, and every way to a journey leads to one. */
export async function* verifyJourneys(context: VerifyContext): Damages {
  yield* verifyMarks(context)
  yield* verifyWays(context)
}

async function* verifyMarks(context: VerifyContext): Damages {
  const { reader, store, signal } = context
  for await (const batch of reader.scan(prefixRange('journey-events'))) {
    signal?.throwIfAborted()
    count(context, 'journeys', batch.length)
    const events = batch.map(([at, value]) => {
      const parts = new KeyReader(at)
      parts.text()
      const id = parts.text()
      const time = Number(parts.u64())
      return { key: at, id, mark: journeyExpiryKey(time, id, parts.u32()), value }
    })
    const marks = await reader.getMany(events.map(({ mark }) => mark))
    const journeys = await reader.getMany(events.map(({ id }) => journeyKey(id)))
    for (const [at, { key, id, mark, value }] of events.entries()) {
      const isReadable = decoded(value, decodeEvents) !== undefined
      if (!isReadable || decoded(journeys[at], decodeSubject) === undefined) {
        yield {
          kind: 'journey-record',
          text: `the journey ${id} is unreadable: mailserver trace cannot show it`,
          fix: () =>
            store.engine.transact([`journey:${id}`], async (tx) => {
              if ((await tx.get(key)) === undefined) return undefined
              for await (const rest of tx.scan(journeyEventsRange(id))) for (const [one] of rest) tx.delete(one)
              tx.delete(journeyKey(id))
              tx.delete(mark)
              return 'removed the journey; the mail itself is not touched'
            }),
        }
      } else if (marks[at] === undefined) {
        yield {
          kind: 'journey-mark',
          text: `the journey ${id} has no mark that lets it go: it would be kept for ever`,
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
