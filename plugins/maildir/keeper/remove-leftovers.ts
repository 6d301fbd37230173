import { lstat, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isGone } from '../faults.ts'
import { isLocked, namesIn, removeFile } from '../files/disk.ts'
import type { Estate } from './estate.ts'

/** Messages that we were writing, and folders that we were removing. */
const OURS = /^(?:\d+\.M\d+Q\d+P\d+W\d+\.|gone\.[0-9a-f]{16}$)/
/** What other programs have left in `tmp` for so long is nobody's any more (the Maildir page's own measure). */
const ABANDONED_MS = 36 * 3_600_000
const LIST = /^((?:dovecot-(?:uidlist|keywords))|subscriptions|maildirsize)\.(new|lock)$/

/** Takes away what a crash has left half written in a Maildir, once all that was to be written is. */
export async function removeLeftovers(estate: Estate): Promise<void> {
  const { root } = estate
  await removeAbandoned(root, true)
  const folders = (await namesIn(root)).filter((name) => name.startsWith('.')).map((name) => join(root, name))
  for (const folder of [root, ...folders]) {
    for (const name of await namesIn(folder)) {
      const [, list, kind] = LIST.exec(name) ?? []
      if (list === undefined) continue
      if (kind === 'new') await removeFile(join(folder, name))
      else await isLocked(join(folder, list))
    }
  }
}

/** @param withOurs nothing of ours is being written there now */
export async function removeAbandoned(folder: string, withOurs: boolean): Promise<void> {
  for (const name of await namesIn(join(folder, 'tmp'))) {
    const path = join(folder, 'tmp', name)
    if ((withOurs && OURS.test(name)) || (await isAbandoned(path))) await rm(path, { recursive: true, force: true })
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  try {
    // When it was written, whatever date its program has given it.
    return Date.now() - (await lstat(path)).ctimeMs > ABANDONED_MS
  } catch (cause) {
    if (isGone(cause)) return false
    throw cause
  }
}
