import { accessSync, chmodSync, constants, mkdirSync, statSync } from 'node:fs'
import { type DataLock, type LockHolder, takeLockSoon } from '../control/data-lock.ts'
import { UserError } from '../errors/user-error.ts'

const PRIVATE = 0o700

/**
 * Makes the data directory when it is not there, and sees that it is ours alone (0700).
 * @throws UserError that says what is wrong with it
 */
export function prepareDataDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: PRIVATE })
    const { mode, uid } = statSync(path)
    if ((mode & 0o077) !== 0 && uid === process.getuid?.()) chmodSync(path, PRIVATE)
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (cause) {
    throw dataDirectoryError(path, cause)
  }
}

/** Takes the lock, waiting for a command that has it. @throws UserError when the directory cannot be written */
export async function takeLockOf(
  path: string,
  role: LockHolder['role'],
  waitMs: number,
): Promise<DataLock | LockHolder> {
  try {
    return await takeLockSoon(path, role, waitMs)
  } catch (cause) {
    throw dataDirectoryError(path, cause)
  }
}

/** What a person is told when the data directory cannot be worked in. */
export function dataDirectoryError(path: string, cause: unknown): UserError {
  return new UserError(`The data directory ${path} cannot be used: ${reasonOf(cause)}.`, {
    cause,
    nextSteps: ['Make it writable for the user that runs mailserver, or set dataDir to another path.'],
  })
}

const REASONS: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['ENOTDIR', 'a part of the path is a file'],
  ['EEXIST', 'it is a file'],
  ['EROFS', 'the file system is read-only'],
  ['ENOSPC', 'the disk is full'],
])

function reasonOf(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return REASONS.get(code ?? '') ?? message
}
