import { createHash } from 'node:crypto'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from 'mailserver'

/**
 * Mailboxes as Maildir++ directories: INBOX is the Maildir itself, `a/b` is `.a.b`, in modified UTF-7. A dot within a level
 * is written as `&AC4-`, which no name of Dovecot's own has.
 */
const DOT = '&AC4-'

export const INBOX = 'INBOX'

/** Directory of the mailbox below the account's; empty for INBOX. */
export function directoryOf(mailbox: string): string {
  if (mailbox === INBOX) return ''
  const levels = mailbox.split('/').map((level) => encodeModifiedUtf7(level).replaceAll('.', DOT))
  return `.${levels.join('.')}`
}

const MAX_DIRECTORY_BYTES = 255
const KEPT_CHARACTERS = 200
const TRIES = 8

/**
 * Directories that a mailbox may have, the best first: another where the name is too long for a directory, or where what is
 * there is none.
 */
export function* directoriesFor(mailbox: string): Iterable<string> {
  const plain = directoryOf(mailbox)
  const isShort = Buffer.byteLength(plain) <= MAX_DIRECTORY_BYTES - TRIES
  if (Buffer.byteLength(plain) <= MAX_DIRECTORY_BYTES) yield plain
  const id = createHash('sha256').update(mailbox).digest('hex').slice(0, 16)
  const short = isShort ? plain : `${plain.slice(0, KEPT_CHARACTERS).replace(/\.+$/, '')}~${id}`
  for (let more = isShort ? 1 : 0; more < TRIES; more++) yield short + '_'.repeat(more)
}

/**
 * Name of the mailbox that a directory is. A name that is no modified UTF-7, which another program has made, stands for
 * itself.
 * @returns undefined for a directory that is no mailbox
 */
export function mailboxOf(directory: string): string | undefined {
  if (!directory.startsWith('.') || directory === '.' || directory.startsWith('..')) return undefined
  const levels = directory.slice(1).split('.')
  if (levels.some((level) => level === '')) return undefined
  const name = levels.map(levelOf).join('/')
  if (/^inbox$/i.test(name) || /[\u2028\u2029\ufffd]/.test(name)) return undefined
  return name.normalize('NFC')
}

function levelOf(encoded: string): string {
  const parts = encoded.split(DOT).map((part) => decodeModifiedUtf7(part) ?? part)
  return parts.join('.')
}
