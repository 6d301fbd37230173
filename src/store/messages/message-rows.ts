import type { AccountCommit } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import { type CopyRecord, decodeCopy } from '../records/copy-record.ts'
import { decodeState, type StateRecord } from '../records/state-record.ts'

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
  const spaces = (['mail-state', 'mail-copy', 'mail-index'] as const).map((space) => {
    const keys = new MessageKeys(space, account, mailbox)
    return tx.getMany(uids.map((uid) => keys.of(uid)))
  })
  const [states = [], copies = [], indexes = []] = await Promise.all(spaces)
  const rows: MessageRow[] = []
  uids.forEach((uid, at) => {
    const [state, copy, index] = [states[at], copies[at], indexes[at]]
    if (state === undefined || copy === undefined || index === undefined) return
    rows.push({ uid, state: decodeState(state), copy: decodeCopy(copy), index })
  })
  return rows
}
