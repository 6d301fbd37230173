import type { AccountCommit } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import { type CopyRecord, decodeCopy } from '../records/copy-record.ts'
import type { StateRecord } from '../records/state-page.ts'

/** A message with all its records, as copying and moving need it. The index stays encoded. */
export interface MessageRow {
  readonly uid: number
  readonly state: StateRecord
  readonly copy: CopyRecord
  readonly index: Buffer
}

/** The messages of these UIDs that exist, in the order given. */
export async function rowsOf(commit: AccountCommit, mailbox: number, uids: readonly number[]): Promise<MessageRow[]> {
  const { tx, account } = commit
  const valuesOf = (space: 'mail-copy' | 'mail-index') => {
    const keys = new MessageKeys(space, account, mailbox)
    return tx.getMany(uids.map((uid) => keys.of(uid)))
  }
  const states = commit.states(mailbox)
  const [copies, indexes] = await Promise.all([valuesOf('mail-copy'), valuesOf('mail-index'), states.load(uids)])
  const rows: MessageRow[] = []
  uids.forEach((uid, at) => {
    const place = states.find(uid)
    const [copy, index] = [copies[at], indexes[at]]
    if (place === undefined || copy === undefined || index === undefined) return
    rows.push({ uid, state: place.page.recordAt(place.row), copy: decodeCopy(copy), index })
  })
  return rows
}
