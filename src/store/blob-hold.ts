import { randomInt } from 'node:crypto'
import type { Clock } from '../kernel/clock.ts'
import type { Engine, Reader } from './engine.ts'
import { blobHoldKey, blobHoldRange } from './layout.ts'

const RENEW_MS = 30_000
/** A hold that was not renewed for this long is of a process that died. */
const STALE_MS = 10 * 60_000

/**
 * While it lasts, no blob is released that was needed when it began: whoever reads the store as it was at one moment
 * for a long time finds the bytes of every message.
 */
export async function holdBlobs(engine: Engine, clock: Clock): Promise<() => Promise<void>> {
  const since = clock.now()
  const key = blobHoldKey(since, randomInt(0xfeff_ffff))
  const renew = () =>
    engine.transact([], async (tx) => {
      const value = Buffer.alloc(8)
      value.writeDoubleBE(clock.now())
      tx.put(key, value)
    })
  await renew()
  let isHeld = true
  const again = () =>
    clock.after(RENEW_MS, () => {
      if (!isHeld) return
      // A renewal that fails is made good by the next: a hold outlives many.
      void renew()
        .catch(() => {})
        .then(() => {
          if (isHeld) cancel = again()
        })
    })
  let cancel = again()
  return async () => {
    isHeld = false
    cancel()
    await engine.transact([], async (tx) => tx.delete(key))
  }
}

/** Blobs that were let go at this time or later are held; undefined when nobody holds any. */
export async function heldSince(reader: Reader, now: number): Promise<number | undefined> {
  for await (const batch of reader.scan(blobHoldRange())) {
    for (const [at, value] of batch) {
      if (now - value.readDoubleBE(0) < STALE_MS) return Number(at.readBigUInt64BE(at.length - 12))
    }
  }
  return undefined
}
