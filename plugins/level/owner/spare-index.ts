/**
 * A spare copy of the index: from it and the segments that are left a lost index is made anew, however many segments
 * were deleted. It is taken before segments are, and costs next to nothing: LevelDB never changes a table, so the copy
 * has hard links to them, and only the list of tables is copied.
 */
import { existsSync, renameSync, rmSync } from 'node:fs'
import { constants, copyFile, link, mkdir, open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from 'mailserver'
import { DIRECTORY_MODE, type Layout, syncDirectory } from '../layout.ts'

const TABLE = /^\d+\.(ldb|sst)$/
const TRIES = 20

/** Everything before is in the index's tables: the copy has it. Takes the place of the last one. */
export async function takeSpare({ root, index }: Layout): Promise<void> {
  const spare = spareOf(root)
  for (let tries = 1; !(await copyIndex(index, `${spare}.new`)); tries++) {
    // LevelDB has changed its list of tables meanwhile.
    if (tries === TRIES) throw new Error(`the list of tables in ${index} does not come to rest`)
  }
  rmSync(spare, { recursive: true, force: true })
  renameSync(`${spare}.new`, spare)
  syncDirectory(root)
}

/** Puts the copy in the place of an index that is gone. Nobody has it open. */
export async function restoreSpare({ root, index }: Layout, log: Log): Promise<void> {
  const spare = spareOf(root)
  if (existsSync(join(index, 'CURRENT'))) return
  // Whole, though the last step of taking it was cut short.
  if (!existsSync(spare) && existsSync(join(`${spare}.new`, 'CURRENT'))) renameSync(`${spare}.new`, spare)
  if (!existsSync(join(spare, 'CURRENT'))) return
  await copyIndex(spare, index)
  syncDirectory(root)
  log.warn({ index }, 'the index is gone: it is made anew from its spare copy and the log')
}

/** Its values may be such as nobody must read any more. */
export function dropSpare({ root }: Layout): boolean {
  const spare = spareOf(root)
  const had = existsSync(spare)
  for (const path of [spare, `${spare}.new`]) rmSync(path, { recursive: true, force: true })
  return had
}

const spareOf = (root: string) => join(root, 'spare')

/** False when the index changed meanwhile. CURRENT goes last: a copy that has one is whole. */
async function copyIndex(from: string, to: string): Promise<boolean> {
  rmSync(to, { recursive: true, force: true })
  await mkdir(to, { recursive: true, mode: DIRECTORY_MODE })
  const current = await readFile(join(from, 'CURRENT'), 'latin1')
  const manifest = current.trim()
  const { size } = await stat(join(from, manifest))
  for (const name of await readdir(from)) if (TABLE.test(name)) await linkOrCopy(join(from, name), join(to, name))
  await copyFile(join(from, manifest), join(to, manifest))
  if ((await stat(join(from, manifest))).size !== size) return false
  if ((await readFile(join(from, 'CURRENT'), 'latin1')) !== current) return false
  await sync(join(to, manifest))
  await copyFile(join(from, 'CURRENT'), join(to, 'CURRENT'))
  await sync(join(to, 'CURRENT'))
  syncDirectory(to)
  return true
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    // Deleted since: no table of the list that is copied, or the list has changed and all begins again.
    if (code === 'ENOENT') return
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EMLINK' && code !== 'EXDEV') throw cause
    await copyFile(from, to, constants.COPYFILE_FICLONE)
    await sync(to)
  }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}
