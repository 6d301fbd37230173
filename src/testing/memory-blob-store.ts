import { Readable } from 'node:stream'
import { MailError } from '../errors/mail-error.ts'
import type { BlobRange, BlobRef, BlobStore } from '../store/blob-store.ts'

/** A BlobStore in memory, for tests. `count` tells how many blobs are kept, so that a test sees a leak. */
export function memoryBlobStore(): BlobStore & { readonly count: number } {
  const blobs = new Map<BlobRef, Buffer>()
  let last = 0
  const keep = (bytes: Buffer): BlobRef => {
    const ref = `memory:${++last}` as BlobRef
    blobs.set(ref, bytes)
    return ref
  }
  const read = (ref: BlobRef, range?: BlobRange): Buffer => {
    const bytes = blobs.get(ref)
    if (bytes === undefined) throw new MailError('NOT_FOUND', `there is no blob ${ref}`)
    return bytes.subarray(range?.start ?? 0, range?.end)
  }
  return {
    get count() {
      return blobs.size
    },
    async writer() {
      const chunks: Buffer[] = []
      let size = 0
      let isOpen = true
      const check = () => {
        if (!isOpen) throw new MailError('INVALID', 'the blob is finished: nothing can be added to it')
      }
      return {
        get size() {
          return size
        },
        async write(chunk) {
          check()
          chunks.push(Buffer.from(chunk))
          size += chunk.length
        },
        async finish() {
          check()
          isOpen = false
          return keep(Buffer.concat(chunks))
        },
        async abort() {
          isOpen = false
        },
      }
    },
    write: async (bytes) => keep(Buffer.from(bytes)),
    read: async (ref, range) => read(ref, range),
    async *readMany(refs) {
      for (const ref of refs) yield [[ref, read(ref)]]
    },
    async *readRanges(wanted) {
      for (const { ref, range } of wanted) {
        const octets = Buffer.from(read(ref, range))
        yield [[ref, octets]]
        // Whoever still looks at them is found.
        octets.fill(0)
      }
    },
    stream: (ref, range) =>
      Readable.from(
        (async function* () {
          yield read(ref, range)
        })(),
      ),
    durable: async () => {},
    release: async (ref) => void blobs.delete(ref),
  }
}
