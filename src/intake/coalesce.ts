const SMALL_BYTES = 1024
const SLAB_BYTES = 4 * 1024

/**
 * The same octets in chunks that are worth their overhead: a peer that sends an octet at a time would otherwise cost a
 * hundred times what it sends. Large chunks pass through uncopied.
 */
export async function* coalesced(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let slab: Buffer | undefined
  let used = 0
  for await (const chunk of source) {
    if (slab !== undefined && (chunk.length >= SMALL_BYTES || used + chunk.length > SLAB_BYTES)) {
      yield slab.subarray(0, used)
      slab = undefined
    }
    if (chunk.length >= SMALL_BYTES) {
      yield chunk
      continue
    }
    if (slab === undefined) {
      slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      used = 0
    }
    used += chunk.copy(slab, used)
  }
  if (slab !== undefined) yield slab.subarray(0, used)
}
