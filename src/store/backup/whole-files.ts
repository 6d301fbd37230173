import { mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'

/** End of the name of a file that is not whole yet. */
export const PARTIAL = '.partial'

/** Files of a backup hold mail and password hashes: they are their owner's alone. */
export const FILE_MODE = 0o600
const DIRECTORY_MODE = 0o700

export const makeDirectory = (path: string): Promise<unknown> => mkdir(path, { recursive: true, mode: DIRECTORY_MODE })

/** Writes a file that is there whole and on disk, or not at all. The directory is synced with `syncDirectory`. */
export async function writeWhole(path: string, bytes: Buffer | string): Promise<void> {
  const partial = `${path}${PARTIAL}`
  const file = await open(partial, 'w', FILE_MODE)
  try {
    await file.writeFile(bytes)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, path)
}

/** What was renamed into the directory survives a power failure once this resolves. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

/** Names in a directory, in order; none when there is no such directory. */
export async function namesIn(path: string): Promise<readonly string[]> {
  try {
    return (await readdir(path)).sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Takes away what a backup that was interrupted left unfinished. */
export async function removePartials(path: string): Promise<void> {
  for (const name of await namesIn(path)) if (name.endsWith(PARTIAL)) await rm(join(path, name), { force: true })
}
