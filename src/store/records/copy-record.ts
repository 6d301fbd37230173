import { hash } from 'node:crypto'
import { MailError } from '../../errors/mail-error.ts'
import type { BlobRef } from '../blob-store.ts'

/** What of one copy of a message never changes and is not in its index. */
export interface CopyRecord {
  readonly blob: BlobRef
  readonly emailId: string
  readonly savedAt: number
}

const VERSION = 1
const SAVED_AT = 1
const EMAIL_ID_AT = 9
const EMAIL_ID_BYTES = 16
const BLOB_AT = EMAIL_ID_AT + EMAIL_ID_BYTES

export function encodeCopy(copy: CopyRecord): Buffer {
  const length = Buffer.byteLength(copy.blob)
  const bytes = Buffer.allocUnsafe(BLOB_AT + length)
  bytes[0] = VERSION
  bytes.writeDoubleBE(copy.savedAt, SAVED_AT)
  bytes.write(copy.emailId.slice(1), EMAIL_ID_AT, EMAIL_ID_BYTES, 'base64url')
  bytes.write(copy.blob, BLOB_AT)
  return bytes
}

export function decodeCopy(bytes: Buffer): CopyRecord {
  const blob = blobIn(bytes)
  return {
    savedAt: bytes.readDoubleBE(SAVED_AT),
    emailId: `M${bytes.toString('base64url', EMAIL_ID_AT, BLOB_AT)}`,
    blob,
  }
}

/** The blob alone. */
export function blobIn(bytes: Buffer): BlobRef {
  if (bytes[0] !== VERSION || bytes.length < BLOB_AT)
    throw new MailError('CORRUPT', 'the record of a copy is unreadable')
  return bytes.toString('utf8', BLOB_AT) as BlobRef
}

/**
 * RFC 8474 section 5.1: equal for equal bytes, here for copies of one blob. Kept in the record from then on: a
 * conversion to another BlobStore renames blobs, and the id must not change with that. A short ref is the id, with zeros
 * behind it: a hash would take longer than the rest of the record.
 */
export function emailIdOf(blob: BlobRef): string {
  if (Buffer.byteLength(blob) > EMAIL_ID_BYTES) return idOf(hash('sha256', blob, 'buffer'))
  const octets = Buffer.alloc(EMAIL_ID_BYTES)
  octets.write(blob)
  return idOf(octets)
}

const idOf = (octets: Buffer): string => `M${octets.toString('base64url', 0, EMAIL_ID_BYTES)}`
