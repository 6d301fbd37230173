import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Messages of a Maildir; none where there is no Maildir yet, since servers make it with the first message. */
export function messagesIn(maildir: string): number {
  let count = 0
  for (const part of ['new', 'cur']) {
    try {
      count += readdirSync(join(maildir, part)).length
    } catch {
      // Not made yet.
    }
  }
  return count
}

/** Messages of all these Maildirs. */
export const messagesInAll = (maildirs: readonly string[]): number =>
  maildirs.reduce((sum, path) => sum + messagesIn(path), 0)
