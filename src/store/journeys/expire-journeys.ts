import type { Engine, Transaction } from '../engine.ts'
import { KeyReader } from '../key.ts'
import { journeyEventsRange, journeyExpiryKey, journeyExpiryRange, journeyFoundKey, journeyKey } from '../layout.ts'
import { decodeJourney, wordsOf } from './journey-codec.ts'

/** Journeys that one transaction forgets. */
const BATCH = 200

/**
 * Forgets journeys whose last event is at `until` or before. Every write of events leaves a mark with its time; when a
 * mark is due, the journey goes unless a later event follows, whose own mark then comes for it.
 */
export async function expireJourneys(engine: Engine, until: number, signal?: AbortSignal): Promise<void> {
  for (;;) {
    signal?.throwIfAborted()
    const isDone = await engine.transactRelaxed(['journey-expiry'], async (tx) => {
      let found = 0
      for await (const batch of tx.scan({ ...journeyExpiryRange(until), limit: BATCH })) {
        for (const [mark] of batch) await settle(tx, mark, until)
        found += batch.length
      }
      return found < BATCH
    })
    if (isDone) return
  }
}

async function settle(tx: Transaction, mark: Buffer, until: number): Promise<void> {
  const reader = new KeyReader(mark)
  reader.text()
  const at = Number(reader.u64())
  const id = reader.text()
  tx.delete(journeyExpiryKey(at, id, reader.u32()))
  if ((await lastEventAt(tx, id)) <= until) await forget(tx, id)
}

/** 0 when nothing followed what it began with. */
async function lastEventAt(tx: Transaction, id: string): Promise<number> {
  for await (const batch of tx.scan({ ...journeyEventsRange(id), reverse: true, limit: 1 })) {
    for (const [key] of batch) {
      const reader = new KeyReader(key)
      reader.text()
      reader.text()
      return Number(reader.u64())
    }
  }
  return 0
}

async function forget(tx: Transaction, id: string): Promise<void> {
  const value = await tx.get(journeyKey(id))
  if (value !== undefined) {
    const { subject, beganAt } = decodeJourney(value)
    for (const word of wordsOf(subject)) tx.delete(journeyFoundKey(word, beganAt, id))
    tx.delete(journeyKey(id))
  }
  for await (const batch of tx.scan(journeyEventsRange(id))) for (const [key] of batch) tx.delete(key)
}
