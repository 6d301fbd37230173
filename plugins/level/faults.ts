import { MailError } from 'mailserver'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** The word for a fault of the disk, as the rest of the server knows it: STORE_FULL or UNAVAILABLE. */
export function faultOf(cause: unknown, doing: string): MailError {
  if (cause instanceof MailError) return cause
  // What opens a sealed value speaks through the wrapper of LevelDB.
  if (cause instanceof Error && cause.cause instanceof MailError) return cause.cause
  const message = cause instanceof Error ? cause.message : String(cause)
  return new MailError(isFull(cause) ? 'STORE_FULL' : 'UNAVAILABLE', `${doing}: ${message}`, { cause })
}

/** Why a thread that is being ended goes no further. */
export const threadEnding = (): MailError => new MailError('UNAVAILABLE', 'this thread is being ended')

/** Does the fault, or what is behind it, say that there is no room? LevelDB says so in words only. */
export function isFull(cause: unknown): boolean {
  for (let error = cause; error instanceof Error; error = error.cause) {
    if (FULL.has((error as NodeJS.ErrnoException).code ?? '')) return true
    if (/no space left on device|disk quota exceeded/i.test(error.message)) return true
  }
  return false
}
