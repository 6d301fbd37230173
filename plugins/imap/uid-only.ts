import { bad } from './completion.ts'
import type { MailboxView } from './mailbox-view.ts'

/** RFC 9586 section 3: a client that switched UIDONLY on names no message by its number. */
export const UID_REQUIRED = bad('Messages are named by UID alone', 'UIDREQUIRED')

/** A message number stands in a command of a client that has switched UIDONLY on. */
export class UidRequired extends Error {
  override readonly name = 'UidRequired'
}

/** How a response about a message begins: by its number, or with UIDONLY by its UID (RFC 9586 section 3.3). */
export function fetchHead(view: MailboxView, position: number, isUidOnly: boolean): string {
  return isUidOnly ? `${view.uidAt(position)} UIDFETCH (` : `${position + 1} FETCH (`
}
