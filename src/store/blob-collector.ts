import { heldSince } from './blob-hold.ts'
import type { BlobRef, BlobStore } from './blob-store.ts'
import type { Engine, Key, Reader } from './engine.ts'
import { KeyReader } from './key.ts'
import { blobDeadRange, blobLinkRange } from './layout.ts'

/** Marks that are looked at in one go. */
const BATCH = 500

/**
 * Releases blobs that nobody needs: those with a mark of `until` or before and without a link. Blobs without a link
 * never get one again once the grace time is over, because whoever links a stored message reads it from a link that
 * exists; the grace time is for a commit that is on its way with the blob of a message just taken.
 *
 * A blob is released before its mark goes: a crash in between releases it twice, which the BlobStore allows.
 * @param now to tell a hold of a process that died
 * @returns how many blobs were released
 */
export async function collectBlobs(
  engine: Engine,
  blobs: BlobStore,
  until: number,
  signal?: AbortSignal,
  now = Date.now(),
): Promise<number> {
  let released = 0
  for (;;) {
    signal?.throwIfAborted()
    const held = await heldSince(engine, now)
    const marks = await dueMarks(engine, held === undefined ? until : Math.min(until, held - 1))
    for (const blob of new Set(marks.map(blobIn))) {
      if (await isLinked(engine, blob)) continue
      await blobs.release(blob)
      released += 1
    }
    await engine.transactRelaxed(['blob-collector'], async (tx) => {
      for (const mark of marks) tx.delete(mark)
    })
    if (marks.length < BATCH) return released
  }
}

async function dueMarks(engine: Engine, until: number): Promise<Key[]> {
  const marks: Key[] = []
  for await (const batch of engine.scan({ ...blobDeadRange(until), limit: BATCH })) {
    for (const [mark] of batch) marks.push(mark)
  }
  return marks
}

/** Does anybody need the blob? */
export async function isLinked(reader: Reader, blob: BlobRef): Promise<boolean> {
  for await (const batch of reader.scan({ ...blobLinkRange(blob), limit: 1 })) if (batch.length > 0) return true
  return false
}

function blobIn(mark: Key): BlobRef {
  const reader = new KeyReader(mark)
  reader.text()
  reader.u64()
  return reader.text() as BlobRef
}
