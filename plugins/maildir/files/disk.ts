import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, realpath, rename, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, sep } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { codeOfFault, isGone } from '../faults.ts'

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = constants
export const FILE_MODE = 0o600
export const DIRECTORY_MODE = 0o700
/** A list of another program is read up to this size. */
const MAX_LIST_BYTES = 64 * 1024 * 1024
const LOCK_TIMEOUT_MS = 3_000
/** A lock this old was left behind by a program that died (Dovecot's own measure). */
const LOCK_STALE_MS = 120_000
/** Ours, when we died between making it and writing our name. */
const LOCK_UNNAMED_MS = 2_000

/** Makes the names in a directory survive a power failure. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Opens a regular file and nothing else: no link that leads elsewhere, no pipe that would hang. */
export async function openRegular(path: string): Promise<FileHandle> {
  const handle = await open(path, O_RDONLY | O_NOFOLLOW | constants.O_NONBLOCK)
  let isFile = false
  try {
    isFile = (await handle.stat()).isFile()
  } finally {
    if (!isFile) await handle.close()
  }
  if (isFile) return handle
  throw Object.assign(new Error(`${path} is no file`), { code: 'ENOENT' })
}

export async function createFile(path: string): Promise<FileHandle> {
  return open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE)
}

/** The same. A file of this name is one that a crash left behind, and goes. */
export async function createAnew(path: string): Promise<FileHandle> {
  try {
    return await createFile(path)
  } catch (cause) {
    if (codeOfFault(cause) !== 'EEXIST') throw cause
    await removeFile(path)
    return createFile(path)
  }
}

/** Text of a small file; undefined when there is none. A file that is too large counts as none. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    const handle = await openRegular(path)
    try {
      if ((await handle.stat()).size > MAX_LIST_BYTES) return undefined
      return await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if (isGone(cause)) return undefined
    throw cause
  }
}

/** Removes a file, if it is there. (`rm` would do its work on the thread of the sessions.) */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (cause) {
    if (!isGone(cause)) throw cause
  }
}

/** What a list is written to before it has its name. A crash may leave one behind. */
export const draftOf = (path: string): string => `${path}.new`

/** Replaces a file whole: after a power failure it is the old one or the new one, and the new one once this has resolved. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const draft = draftOf(path)
  const handle = await createAnew(draft)
  try {
    await handle.writeFile(text)
    await handle.sync()
    await rename(draft, path)
  } catch (cause) {
    await removeFile(draft)
    throw cause
  } finally {
    await handle.close()
  }
  await syncDirectory(dirname(path))
}

/** Opens a file that is there, to add to it. */
export async function openForAppend(path: string): Promise<FileHandle> {
  return open(path, constants.O_RDWR | constants.O_APPEND | O_NOFOLLOW)
}

/** Adds to a file that a power failure may take the end of. */
export async function appendText(path: string, text: string): Promise<void> {
  const handle = await openForAppend(path)
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
}

/** What tells whether a file has changed. */
export async function fingerprint(path: string): Promise<string> {
  try {
    const { ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${ino} ${size} ${mtimeNs}`
  } catch (cause) {
    if (isGone(cause)) return ''
    throw cause
  }
}

/** Locks that this thread holds. */
const held = new Set<string>()

/**
 * Works while it holds `<path>.lock`, as Dovecot and Courier do for their lists. Who holds it already works at once: what is
 * done for one account is done one after the other.
 */
export async function withDotLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const lock = `${path}.lock`
  if (held.has(lock)) return work()
  for (const until = Date.now() + LOCK_TIMEOUT_MS; ; ) {
    try {
      await takeLock(lock)
      break
    } catch (cause) {
      if (codeOfFault(cause) !== 'EEXIST') throw cause
      if (!(await isLocked(path)) && Date.now() <= until) continue
      if (Date.now() > until) throw new Error(`${lock} is held by another program`)
      else await sleep(20)
    }
  }
  held.add(lock)
  try {
    return await work()
  } finally {
    held.delete(lock)
    await removeFile(lock)
  }
}

/** With who holds it, as Dovecot writes it. */
async function takeLock(lock: string): Promise<void> {
  const handle = await createFile(lock)
  try {
    await handle.writeFile(`${process.pid}:${hostname()}`)
  } catch (cause) {
    await removeFile(lock)
    throw cause
  } finally {
    await handle.close()
  }
}

/** Does a program hold the lock? One that was left behind is taken away. */
export async function isLocked(path: string): Promise<boolean> {
  const lock = `${path}.lock`
  if (!(await exists(lock))) return false
  if (!(await isLeftBehind(lock))) return true
  await removeFile(lock)
  return false
}

/** Has the program that took the lock died? Known at once on this machine, by the time elsewhere. */
async function isLeftBehind(lock: string): Promise<boolean> {
  try {
    const age = Date.now() - (await lstat(lock)).mtimeMs
    if (age > LOCK_STALE_MS) return true
    const [, pid, host] = /^(\d+):(.+)$/.exec((await readText(lock)) ?? '') ?? []
    if (pid === undefined) return age > LOCK_UNNAMED_MS
    if (host !== hostname()) return false
    // One keeper works in a process: a lock of this process that it does not hold is an earlier one's, or that of a process
    // which had this number before the last start.
    return Number(pid) === process.pid ? !held.has(lock) : !isAlive(Number(pid))
  } catch (cause) {
    if (isGone(cause)) return false
    throw cause
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (cause) {
    return codeOfFault(cause) !== 'ESRCH'
  }
}

/** Names in a directory; none when it is not there. */
export async function namesIn(path: string): Promise<string[]> {
  try {
    return await readdir(path)
  } catch (cause) {
    if (isGone(cause)) return []
    throw cause
  }
}

export async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (cause) {
    if (isGone(cause)) return false
    throw cause
  }
}

/** Is the path a directory whose true place is in `root` (which may itself be reached by a link)? */
export async function isDirectoryWithin(path: string, root: string): Promise<boolean> {
  try {
    if (!(await stat(path)).isDirectory()) return false
    const [real, realRoot] = await Promise.all([realpath(path), realpath(root)])
    return real === realRoot || real.startsWith(`${realRoot}${sep}`)
  } catch (cause) {
    if (isGone(cause)) return false
    throw cause
  }
}

/** Makes a Maildir at the path, and what of it is missing. It is on disk when this resolves. */
export async function makeMaildir(path: string, isFolder: boolean): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: DIRECTORY_MODE })
  for (const name of ['tmp', 'new', 'cur']) await mkdir(join(path, name), { recursive: true, mode: DIRECTORY_MODE })
  if (isFolder) {
    // Maildir++: tells a delivery agent that the quota is kept one level above.
    const handle = await open(join(path, 'maildirfolder'), O_WRONLY | O_CREAT, FILE_MODE)
    await handle.close()
  }
  await syncDirectory(path)
  // Directories above it may have been made as well; each has its name in the one above.
  const top = dirname(first ?? path)
  for (let at = dirname(path); ; at = dirname(at)) {
    await syncDirectory(at)
    if (at === top || at === dirname(at)) return
  }
}
