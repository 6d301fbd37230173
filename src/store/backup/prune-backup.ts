import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Watched } from '../progress.ts'
import { type BackupDirectory, openBackup } from './backup-directory.ts'
import { PackWriter } from './pack-writer.ts'
import { PACK, PACK_INDEX } from './packs.ts'
import type { BackupMessage } from './point.ts'
import type { StoredSectionRecord } from './section.ts'
import { syncDirectory } from './whole-files.ts'

/** A pack with less than this part still needed is written anew without the rest. */
const WORTH_KEEPING = 0.5

export interface PrunedBackup {
  readonly removedPoints: readonly string[]
  readonly freedBytes: number
}

/**
 * Forgets all points but the newest, and takes back the room that only they needed. A point goes before what it needs:
 * an interruption leaves room taken, never a point that cannot be restored.
 */
export async function pruneBackup(path: string, keep: number, { signal }: Watched): Promise<PrunedBackup> {
  const directory = await openBackup(path)
  try {
    const points = await directory.points.list()
    const removed = points.slice(0, Math.max(0, points.length - keep))
    if (removed.length === 0) return { removedPoints: [], freedBytes: 0 }
    const needed = await neededBy(directory, points.slice(removed.length))
    for (const point of removed) await directory.points.remove(point)
    signal?.throwIfAborted()
    await directory.records.prune((name) => needed.files.has(name))
    return { removedPoints: removed, freedBytes: await prunePacks(directory, needed.digests, signal) }
  } finally {
    await directory.packs.close()
  }
}

/** @throws MailError when a point that stays cannot be read: nothing may be removed then */
async function neededBy({ points, records }: BackupDirectory, names: readonly string[]) {
  const files = new Set<string>()
  const digests = new Set<string>()
  for (const name of names) {
    const point = await points.read(name)
    const chunks = point.accounts.flatMap(({ mailboxes }) => mailboxes.flatMap((mailbox) => mailbox.chunks))
    for (const file of [...chunks.map(([, file]) => file), ...Object.values(point.sections).flat()]) {
      if (files.has(file)) continue
      files.add(file)
      for (const { sha256 } of await records.read<BackupMessage | StoredSectionRecord>(file)) {
        if (typeof sha256 === 'string') digests.add(Buffer.from(sha256, 'hex').toString('latin1'))
      }
    }
  }
  return { files, digests }
}

async function prunePacks(
  directory: BackupDirectory,
  needed: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { packs, blobs } = directory
  let freed = 0
  for (const [pack, index] of [...packs.all]) {
    signal?.throwIfAborted()
    const kept = [...index].filter(({ digest }) => needed.has(digest.toString('latin1')))
    const all = [...index].reduce((sum, { size }) => sum + size, 0)
    const live = kept.reduce((sum, { size }) => sum + size, 0)
    if (kept.length === index.count || (kept.length > 0 && live >= all * WORTH_KEEPING)) continue
    // The blobs that stay are in a pack of their own, and on disk, before the old pack goes.
    const writer = new PackWriter(blobs, packs.without(pack))
    for (const { digest } of kept) await writer.addStream(packs.stream(digest))
    await writer.finish()
    await rm(join(blobs, pack + PACK_INDEX), { force: true })
    await rm(join(blobs, pack + PACK), { force: true })
    await syncDirectory(blobs)
    packs.forget(pack)
    freed += all - live
  }
  return freed
}
