import { join } from 'node:path'
import { MailError } from '../../errors/mail-error.ts'
import { Packs } from './packs.ts'
import { Points } from './point.ts'
import { RecordFiles } from './record-files.ts'
import { makeDirectory, namesIn, removePartials, syncDirectory } from './whole-files.ts'

/** The three parts of a backup, each in its folder: `blobs`, `records`, `points`. */
export interface BackupDirectory {
  readonly blobs: string
  readonly packs: Packs
  readonly records: RecordFiles
  readonly points: Points
}

const FOLDERS = ['blobs', 'records', 'points'] as const

/** Opens a backup to read it. @throws MailError NOT_FOUND when the directory has none */
export async function openBackup(path: string): Promise<BackupDirectory> {
  const directory = await partsOf(path)
  if ((await directory.points.list()).length > 0) return directory
  throw new MailError('NOT_FOUND', `${path} has no backup`)
}

/** Opens a backup to add to it, and makes it when the directory is empty or missing. @throws MailError INVALID */
export async function makeBackup(path: string): Promise<BackupDirectory> {
  const there = (await namesIn(path)).filter((name) => !name.startsWith('mailserver.lock'))
  const strange = there.filter((name) => !FOLDERS.some((folder) => folder === name))
  if (strange.length > 0) {
    throw new MailError(
      'INVALID',
      `${path} has other things in it (${strange.slice(0, 3).join(', ')}): give an empty one`,
    )
  }
  for (const folder of FOLDERS) await makeDirectory(join(path, folder))
  await syncDirectory(path)
  const directory = await partsOf(path)
  await removePartials(directory.blobs)
  await removePartials(join(path, 'points'))
  await directory.records.removePartials()
  return directory
}

async function partsOf(path: string): Promise<BackupDirectory> {
  const blobs = join(path, 'blobs')
  return {
    blobs,
    packs: await Packs.open(blobs),
    records: new RecordFiles(join(path, 'records')),
    points: new Points(join(path, 'points')),
  }
}
