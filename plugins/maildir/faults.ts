import { MailError } from 'mailserver'

const FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP'])

export const codeOfFault = (cause: unknown): string => (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
export const isFull = (cause: unknown): boolean => FULL.has(codeOfFault(cause))
export const isGone = (cause: unknown): boolean => GONE.has(codeOfFault(cause))

/** The word for a fault of the disk, as the rest of the server knows it. */
export function faultOf(cause: unknown, doing: string): MailError {
  if (cause instanceof MailError) return cause
  const message = cause instanceof Error ? cause.message : String(cause)
  const code = isGone(cause) ? 'NOT_FOUND' : isFull(cause) ? 'STORE_FULL' : 'UNAVAILABLE'
  return new MailError(code, `${doing}: ${message}`, { cause })
}
