import { isAscii, isUtf8 } from 'node:buffer'
import { downgradeHeader, headerEnd } from 'mailserver'

/** A header section longer than this is sent as it is: it is no message that a person wrote. */
const MAX_HEADER_BYTES = 1024 * 1024

/**
 * A message for a client that has not said UTF8 (RFC 6856 section 2.1): a header in UTF-8 is rewritten in ASCII (RFC 6858). All
 * others go through as they are, also those with 8-bit octets that are no UTF-8.
 */
export async function* downgraded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let header: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (header === undefined) {
      yield chunk
      continue
    }
    header = header.length === 0 ? chunk : Buffer.concat([header, chunk])
    const end = headerEnd(header)
    if (end === header.length && end <= MAX_HEADER_BYTES) continue
    yield rewritten(header, end)
    header = undefined
  }
  if (header !== undefined) yield rewritten(header, header.length)
}

function rewritten(octets: Buffer, end: number): Buffer {
  const header = octets.subarray(0, end)
  if (isAscii(header) || !isUtf8(header)) return octets
  return Buffer.concat([downgradeHeader(header), octets.subarray(end)])
}
