import type { IndexBatch, SearchCopy, SearchDocument } from 'mailserver'

/** The text of one message in UTF-8; half of a surrogate pair as U+FFFD. */
export interface EncodedDocument extends Pick<SearchDocument, 'uid' | 'id'> {
  readonly header: Uint8Array
  readonly body: Uint8Array
}

/** A batch whose texts lie in one buffer, which goes to another thread without being copied. */
export interface EncodedBatch {
  readonly documents: readonly EncodedDocument[]
  readonly copies: readonly SearchCopy[]
  readonly skipped: readonly number[]
  readonly through: number
}

export function encodeBatch({ documents, copies, skipped, through }: IndexBatch): {
  readonly batch: EncodedBatch
  /** Where its texts lie. */
  readonly buffer: ArrayBuffer
} {
  let octets = 0
  for (const { header, body } of documents) octets += Buffer.byteLength(header) + Buffer.byteLength(body)
  const all = Buffer.from(new ArrayBuffer(octets))
  let end = 0
  const encoded = (text: string): Uint8Array => {
    const start = end
    end += all.write(text, start)
    return new Uint8Array(all.buffer, start, end - start)
  }
  return {
    batch: {
      documents: documents.map(({ uid, id, header, body }) => ({
        uid,
        id,
        header: encoded(header),
        body: encoded(body),
      })),
      copies,
      skipped,
      through,
    },
    buffer: all.buffer,
  }
}
