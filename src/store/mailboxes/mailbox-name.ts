import { MailError } from '../../errors/mail-error.ts'
import { HIERARCHY_SEPARATOR } from '../mail-store.ts'

const MAX_BYTES = 1000
const MAX_LEVEL_BYTES = 255
const MAX_LEVELS = 32

// RFC 9051 section 5.1: no controls, and no line or paragraph separator.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

/**
 * The one spelling of a mailbox name: NFC (RFC 9051 section 5.1, Net-Unicode), and `INBOX` in capitals as a name and
 * as the first level (RFC 3501 section 5.1). Two names that look the same are the same.
 */
export function canonicalName(name: string): string {
  const composed = name.normalize('NFC')
  if (!/^inbox(?:$|\/)/i.test(composed)) return composed
  return `INBOX${composed.slice(5)}`
}

/**
 * The canonical name of a mailbox that is to be made.
 * @throws MailError INVALID when it is no name, LIMIT_REACHED when it is too long or too deep
 */
export function newName(name: string): string {
  if (!name.isWellFormed() || FORBIDDEN.test(name)) throw invalid(name, 'has characters that no name may have')
  const canonical = canonicalName(name)
  const levels = canonical.split(HIERARCHY_SEPARATOR)
  if (levels.some((level) => level === '')) throw invalid(name, 'has an empty level')
  // Clients keep mailboxes as directories; these two names would lead them elsewhere.
  if (levels.some((level) => level === '.' || level === '..')) throw invalid(name, 'has a level of dots')
  if (levels.length > MAX_LEVELS) throw new MailError('LIMIT_REACHED', `a mailbox name has over ${MAX_LEVELS} levels`)
  if (Buffer.byteLength(canonical) > MAX_BYTES || levels.some((level) => Buffer.byteLength(level) > MAX_LEVEL_BYTES)) {
    throw new MailError('LIMIT_REACHED', 'a mailbox name is too long')
  }
  return canonical
}

/** `a`, `a/b` of `a/b/c`. */
export function parentsOf(name: string): string[] {
  const levels = name.split(HIERARCHY_SEPARATOR)
  return levels.slice(1).map((_, at) => levels.slice(0, at + 1).join(HIERARCHY_SEPARATOR))
}

export const isInbox = (name: string): boolean => name === 'INBOX'

export const isBelow = (name: string, parent: string): boolean => name.startsWith(`${parent}${HIERARCHY_SEPARATOR}`)

function invalid(name: string, why: string): MailError {
  return new MailError('INVALID', `the mailbox name ${JSON.stringify(name.slice(0, 100))} ${why}`)
}
