import type { AccountId, IndexBatch, MailboxId } from 'mailserver'

export const ACCOUNT = 'a1' as AccountId
export const MAILBOX = { id: 'm1' as MailboxId, uidValidity: 1 }

/** Messages with UIDs from `first` on. @param body of each, by its UID */
export function batchOf(first: number, count: number, body: (uid: number) => string): IndexBatch {
  const documents = Array.from({ length: count }, (_, at) => ({
    uid: first + at,
    id: `d${first + at}`,
    header: 'subject: x',
    body: body(first + at),
  }))
  return { documents, copies: [], skipped: [], through: first + count - 1 }
}
