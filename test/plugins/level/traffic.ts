import { createHash } from 'node:crypto'
import { type BlobRef, KeyReader, key, prefixRange } from 'mailserver'
import type { OpenedStore } from './open-store.ts'

/**
 * Messages with content that can be told from their number, filed under a writer. Each commit writes the message, its
 * place in the order, and the count: a commit that is half there shows.
 */
export async function fileMessage(store: OpenedStore, writer: number, size: number): Promise<number> {
  const { engine, blobStore } = store
  const content = (number: number) => contentOf(writer, number, size)
  return engine.transact([`writer:${writer}`], async (tx) => {
    const number = (await tx.get(key('count', writer)))?.readUInt32BE() ?? 0
    const blob = await blobStore.writer()
    const bytes = content(number)
    for (let at = 0; at < bytes.length; at += 60_000) await blob.write(bytes.subarray(at, at + 60_000))
    const ref = await blob.finish()
    await blobStore.durable(ref)
    const next = Buffer.alloc(4)
    next.writeUInt32BE(number + 1)
    tx.put(key('message', writer, number), Buffer.from(ref))
    tx.put(key('sum', writer, number), createHash('sha256').update(bytes).digest())
    tx.put(key('count', writer), next)
    return number
  })
}

/** How many messages each writer has. @throws Error when something of a message is missing, or wrong */
export async function checkMessages(store: OpenedStore, options: { blobs?: boolean } = {}): Promise<number[]> {
  const counts: number[] = []
  for await (const batch of store.engine.scan(prefixRange('count'))) {
    for (const [name, value] of batch) {
      const reader = new KeyReader(name)
      reader.text()
      counts[reader.u32()] = value.readUInt32BE()
    }
  }
  for (const [writer, count] of counts.entries()) {
    if (count === undefined) continue
    const refs = await valuesOf(store, 'message', writer)
    const sums = await valuesOf(store, 'sum', writer)
    if (refs.length !== count || sums.length !== count) {
      throw new Error(`writer ${writer} counts ${count}, and has ${refs.length} messages and ${sums.length} sums`)
    }
    for (const [number, ref] of refs.entries()) {
      if (options.blobs === false) break
      const bytes = await store.blobStore.read(ref.toString() as BlobRef)
      const sum = createHash('sha256').update(bytes).digest()
      if (!sum.equals(sums[number] as Buffer))
        throw new Error(`message ${number} of writer ${writer} is not what it was`)
    }
  }
  return counts
}

/** Messages per writer, in order, with no gap in the numbers. */
async function valuesOf(store: OpenedStore, kind: string, writer: number): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const batch of store.engine.scan(prefixRange(kind, writer))) {
    for (const [name, value] of batch) {
      if (!name.equals(key(kind, writer, found.length)))
        throw new Error(`${kind} ${found.length} of ${writer} is missing`)
      found.push(value)
    }
  }
  return found
}

function contentOf(writer: number, number: number, size: number): Buffer {
  return Buffer.alloc(size, `message ${number} of writer ${writer}\r\n`)
}
