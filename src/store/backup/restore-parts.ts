import type { AccountId, MailStore } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'
import type { BringBlobs } from './bring-blobs.ts'
import type { BackupMailbox, BackupMessage } from './point.ts'
import type { RecordFiles } from './record-files.ts'

/** What every part of a restore works with. */
export interface RestoreParts {
  readonly store: StoreContext
  readonly mail: MailStore
  readonly records: RecordFiles
  readonly blobs: BringBlobs
  readonly signal?: AbortSignal | undefined
  readonly onMessages: (count: number) => void
  /** Told of what cannot be brought back. */
  readonly onLost: (lost: { mailbox: string; uid: number; text: string }) => Promise<void> | void
  /** The account that one of the backup has become here. */
  readonly accountOf: (id: AccountId) => AccountId
}

export interface Restored {
  /** Messages that came back. */
  readonly restored: number
  /** Messages that were there already. */
  readonly present: number
  /** Messages that could not be brought back. */
  readonly lost: number
}

/** The messages of a mailbox in the backup, in UID order, some at a time. */
export async function* messagesOf(
  records: RecordFiles,
  { chunks }: BackupMailbox,
  size: number,
): AsyncIterable<readonly BackupMessage[]> {
  for (const [, file] of chunks) {
    const messages = await records.read<BackupMessage>(file)
    for (let at = 0; at < messages.length; at += size) yield messages.slice(at, at + size)
  }
}
