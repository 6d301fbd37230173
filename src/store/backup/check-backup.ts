import type { Watched } from '../progress.ts'
import { type BackupDirectory, openBackup } from './backup-directory.ts'
import type { BackupMessage, BackupPoint } from './point.ts'
import type { StoredSectionRecord } from './section.ts'

/** Damaged blobs whose messages are named. */
const MAX_NAMED = 1_000

export interface CheckedBackup {
  readonly points: number
  readonly messages: number
  readonly blobs: number
  readonly bytes: number
}

/** Reads a backup through: every point, every list of records, and every byte against its SHA-256. */
export async function checkBackup(
  path: string,
  { signal, onProgress }: Watched,
  onDamage: (text: string) => Promise<void> | void,
): Promise<CheckedBackup> {
  const directory = await openBackup(path)
  try {
    for (const [pack, text] of directory.packs.damaged) await onDamage(`the index of ${pack}.pack is damaged: ${text}`)
    const seen = { blobs: 0, bytes: 0 }
    const bad = new Set<string>()
    const total = [...directory.packs.all.values()].reduce((sum, { count }) => sum + count, 0)
    for (const index of directory.packs.all.values()) {
      // As they lie on the disk.
      for (const { digest, size } of [...index].sort((a, b) => a.offset - b.offset)) {
        signal?.throwIfAborted()
        if (!(await isSound(directory, digest))) bad.add(digest.toString('hex'))
        seen.blobs += 1
        seen.bytes += size
        if (seen.blobs % 100 === 0) onProgress?.({ phase: 'blobs of the backup', done: seen.blobs, total })
      }
    }
    const points = await directory.points.list()
    let messages = 0
    const read = new Map<string, number>()
    for (const [at, name] of points.entries()) {
      signal?.throwIfAborted()
      onProgress?.({ phase: 'points', done: at, total: points.length })
      try {
        messages += await checkPoint(directory, await directory.points.read(name), bad, read, onDamage)
      } catch (error) {
        await onDamage(`the point ${name} cannot be restored: ${(error as Error).message}`)
      }
    }
    return { points: points.length, messages, ...seen }
  } finally {
    await directory.packs.close()
  }
}

async function isSound({ packs }: BackupDirectory, digest: Buffer): Promise<boolean> {
  try {
    for await (const _ of packs.stream(digest));
    return true
  } catch {
    return false
  }
}

/** @param read record files that were looked at already, with how many records they have */
async function checkPoint(
  directory: BackupDirectory,
  point: BackupPoint,
  bad: ReadonlySet<string>,
  read: Map<string, number>,
  onDamage: (text: string) => Promise<void> | void,
): Promise<number> {
  let messages = 0
  let named = 0
  const lost = async (what: string, sha256: string) => {
    const isThere = directory.packs.find(Buffer.from(sha256, 'hex')) !== undefined
    if (isThere && !bad.has(sha256)) return
    if (named++ < MAX_NAMED) await onDamage(`${what}: its bytes are ${isThere ? 'damaged' : 'missing'} in the backup`)
  }
  const each = async <T>(file: string, where: string, check: (record: T) => Promise<void>) => {
    const known = read.get(file)
    if (known !== undefined) return known
    try {
      const records = await directory.records.read<T>(file)
      for (const record of records) await check(record)
      read.set(file, records.length)
      return records.length
    } catch (error) {
      await onDamage(`${where}, point ${point.point}: ${(error as Error).message}`)
      return 0
    }
  }
  for (const { id, address, mailboxes } of point.accounts) {
    for (const { name, chunks } of mailboxes) {
      const where = `${name} of ${address ?? id}`
      for (const [, file] of chunks) {
        messages += await each<BackupMessage>(file, where, async ({ uid, sha256 }) => {
          if (sha256 !== null) await lost(`message ${uid} in ${where}`, sha256)
        })
      }
    }
  }
  for (const [name, files] of Object.entries(point.sections)) {
    for (const file of files) {
      await each<StoredSectionRecord>(file, name, async ({ sha256 }) => {
        if (typeof sha256 === 'string') await lost(`an entry of ${name}`, sha256)
      })
    }
  }
  return messages
}
