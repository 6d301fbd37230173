import { chmodSync, closeSync, mkdirSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** Longer than making the tables of an index takes on a machine that has much else to do. */
const WAIT_MS = 5_000
/** An empty database that nothing is written to: SQLite's locks hold between threads, and end with their holder. */
const LOCK_FILE = 'lock'
const SQLITE_NOTADB = 26

/**
 * Runs while no other thread opens or removes an index of the folder. SQLite finds the log of a database by its name:
 * one that is removed while another thread opens its successor would leave that one with the wrong log, or with none.
 * @param path of an index; its folder is made when it is missing, with mode 0700
 * @throws Error of SQLite when others take too long
 */
export function withFolderLock<T>(path: string, run: () => T): T {
  const folder = dirname(path)
  if (mkdirSync(folder, { recursive: true, mode: 0o700 }) === undefined && (statSync(folder).mode & 0o777) !== 0o700) {
    chmodSync(folder, 0o700)
  }
  const file = join(folder, LOCK_FILE)
  const lock = locked(file)
  try {
    return run()
  } finally {
    lock.close()
  }
}

function locked(file: string): DatabaseSync {
  try {
    return tryLock(file)
  } catch (cause) {
    if ((cause as { errcode?: unknown }).errcode !== SQLITE_NOTADB) throw cause
    // Somebody wrote into it.
    rmSync(file, { force: true })
    return tryLock(file)
  }
}

function tryLock(file: string): DatabaseSync {
  makePrivate(file)
  const lock = new DatabaseSync(file, { timeout: WAIT_MS })
  try {
    // A journal on disk would need room there before anything is written.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    throw cause
  }
}

/**
 * Makes the file with mode 0600 unless it is there. One that is there is not opened: to close it would end the locks that
 * SQLite has on it in this process (sqlite.org/howtocorrupt.html, section 2.2).
 */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    if ((statSync(path).mode & 0o777) !== 0o600) chmodSync(path, 0o600)
  }
}
