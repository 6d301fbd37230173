import type { BlobRef } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import type { AccountId } from '../mail-store.ts'

/** A record of another room with the blobs it needs. */
export interface SectionRecord {
  readonly record: object
  readonly blob?: { readonly blob: BlobRef; readonly size: number }
}

/** The same in a backup: a line of a record file. */
export interface StoredSectionRecord {
  readonly record: unknown
  readonly sha256?: string | null
}

/** What a room beside the mailboxes adds to a backup, and takes back. */
export interface BackupSection {
  readonly name: string
  /** @param only accounts that the backup is of; all when left out */
  read(reader: Reader, only?: ReadonlySet<AccountId>): AsyncIterable<SectionRecord>
}
