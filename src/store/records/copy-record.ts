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

export function encodeCopy({ blob, emailId, savedAt }: CopyRecord): Buffer {
  return encode(blob, Buffer.from(emailId.slice(1), 'base64url'), savedAt)
}

/**
 * Of a message that comes in, with the id that its bytes give it.
 * @param blob what is kept
 * @param source the blob that came; the id is made of its ref
 */
export function encodeNewCopy(blob: BlobRef, source: BlobRef, savedAt: number): Buffer {
  return encode(blob, emailOctetsOf(source), savedAt)
}

function encode(blob: BlobRef, emailId: Buffer, savedAt: number): Buffer {
  const bytes = Buffer.allocUnsafe(BLOB_AT + Buffer.byteLength(blob))
  bytes[0] = VERSION
  bytes.writeDoubleBE(savedAt, SAVED_AT)
  emailId.copy(bytes, EMAIL_ID_AT, 0, EMAIL_ID_BYTES)
  bytes.write(blob, BLOB_AT)
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
function emailOctetsOf(blob: BlobRef): Buffer {
  if (Buffer.byteLength(blob) > EMAIL_ID_BYTES) return hash('sha256', blob, 'buffer').subarray(0, EMAIL_ID_BYTES)
  const octets = Buffer.alloc(EMAIL_ID_BYTES)
  octets.write(blob)
  return octets
}
