/** A commit as it stands in the log: enough to write it into the index once more. */

export interface Op {
  readonly key: Buffer
  /** undefined when the key goes. */
  readonly value: Buffer | undefined
  /** Of the key (`hashOf`), where somebody has made it already. */
  readonly hash?: number
}

/** What another worker had made visible but not yet on disk when this commit was written: the commit stands on it. */
export interface Dependency {
  readonly segment: number
  /** The other segment must be whole up to here. */
  readonly end: number
}

export interface Commit {
  /** Place in the order of all commits of all workers. */
  readonly sequence: bigint
  /** Octets of its own segment that were on disk when it was written: damage before it is not a torn tail. */
  readonly syncedEnd: number
  readonly dependencies: readonly Dependency[]
  readonly ops: readonly Op[]
}

const HEAD_BYTES = 8 + 8 + 1
const DEPENDENCY_BYTES = 12
const PUT = 1
const DELETE = 2

export function encodeCommit({ sequence, syncedEnd, dependencies, ops }: Commit): Buffer {
  let size = HEAD_BYTES + dependencies.length * DEPENDENCY_BYTES
  for (const { key, value } of ops) size += 5 + key.length + (value === undefined ? 0 : 4 + value.length)
  const bytes = Buffer.allocUnsafe(size)
  bytes.writeBigUInt64LE(sequence, 0)
  bytes.writeBigUInt64LE(BigInt(syncedEnd), 8)
  bytes[16] = dependencies.length
  let at = HEAD_BYTES
  for (const { segment, end } of dependencies) {
    at = bytes.writeUInt32LE(segment, at)
    at = bytes.writeBigUInt64LE(BigInt(end), at)
  }
  for (const { key, value } of ops) {
    bytes[at] = value === undefined ? DELETE : PUT
    at = bytes.writeUInt32LE(key.length, at + 1)
    at += key.copy(bytes, at)
    if (value === undefined) continue
    at = bytes.writeUInt32LE(value.length, at)
    at += value.copy(bytes, at)
  }
  return bytes
}

/** Reads a commit whose checksums have matched. The ops share memory with `bytes`. */
export function decodeCommit(bytes: Buffer): Commit {
  const dependencies: Dependency[] = []
  let at = HEAD_BYTES
  for (let left = bytes[16] as number; left > 0; left--) {
    dependencies.push({ segment: bytes.readUInt32LE(at), end: Number(bytes.readBigUInt64LE(at + 4)) })
    at += DEPENDENCY_BYTES
  }
  const ops: Op[] = []
  while (at < bytes.length) {
    const isPut = bytes[at] === PUT
    const keyEnd = at + 5 + bytes.readUInt32LE(at + 1)
    const key = bytes.subarray(at + 5, keyEnd)
    at = keyEnd
    let value: Buffer | undefined
    if (isPut) {
      const valueEnd = at + 4 + bytes.readUInt32LE(at)
      value = bytes.subarray(at + 4, valueEnd)
      at = valueEnd
    }
    ops.push({ key, value })
  }
  return { sequence: bytes.readBigUInt64LE(0), syncedEnd: Number(bytes.readBigUInt64LE(8)), dependencies, ops }
}
