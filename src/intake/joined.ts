/** Room for any message that waits in memory, and the fields above it. */
const BUFFER_BYTES = 256 * 1024
const MAX_FREE = 4
/** Below it a buffer is a piece of one that many share already. */
const SMALL_BYTES = 4 * 1024

const free: Buffer[] = []

/**
 * Calls `fn` with the parts as one buffer, which is used again afterwards: a new one of its own for each message is much
 * work for the garbage collector.
 * @param fn keeps no reference to the buffer when its promise has settled
 */
export async function withJoined<T>(parts: readonly Buffer[], fn: (bytes: Buffer) => Promise<T>): Promise<T> {
  const size = parts.reduce((sum, { length }) => sum + length, 0)
  if (size < SMALL_BYTES || size > BUFFER_BYTES) return fn(Buffer.concat(parts, size))
  const buffer = free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES)
  let at = 0
  for (const part of parts) at += part.copy(buffer, at)
  try {
    return await fn(buffer.subarray(0, size))
  } finally {
    if (free.length < MAX_FREE) free.push(buffer)
  }
}
