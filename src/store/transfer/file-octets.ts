import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'

/** A file up to this size is read at once: a stream costs more than the file. */
const MAX_WHOLE_BYTES = 1024 * 1024

/** The octets of a file, in pieces when there are many. */
export async function* fileOctets(path: string, size: number): AsyncGenerator<Buffer> {
  if (size <= MAX_WHOLE_BYTES) yield await readFile(path)
  else yield* createReadStream(path) as AsyncIterable<Buffer>
}
