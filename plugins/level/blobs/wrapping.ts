/**
 * A message frame in another form than the bytes as they are: compressed, sealed, or moved from another place. Its
 * payload begins with the frame's own type, the form, the size of what was written, and where it was first written (its
 * origin) when it was moved; then comes the body.
 */
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompressSync } from 'node:zlib'
import { MailError } from 'mailserver'
import { FRAME } from '../segments/frame.ts'
import { SEALED, type SealedKind, type Vault } from '../vault/vault.ts'
import type { StoredFrame } from './stored-frame.ts'

/** Types of frames with message bytes. */
export type BlobFrameType = typeof FRAME.blob | typeof FRAME.chunk | typeof FRAME.manifest

const FORM = { sealed: 1, compressed: 2, moved: 4 } as const
export const WRAP_BYTES = 22
const MAX_PLAIN_BYTES = 1024 * 1024

const compressed = promisify(zstdCompress)
const PARAMS = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
/** Less to gain than an eighth, and it is not worth the time of every read. */
const WORTH = 7 / 8

const KINDS: Readonly<Record<BlobFrameType, SealedKind>> = {
  [FRAME.blob]: SEALED.blob,
  [FRAME.chunk]: SEALED.chunk,
  [FRAME.manifest]: SEALED.manifest,
}

export interface Wrapped {
  readonly type: BlobFrameType
  readonly isSealed: boolean
  readonly isCompressed: boolean
  /** Octets of what was written. */
  readonly size: number
  /** The frame as it was first written; undefined when that is this one. */
  readonly origin: StoredFrame | undefined
  readonly body: Buffer
}

/** Puts a body, in the form it says, into a payload for FRAME.wrapped. */
export function wrap({ type, isSealed, isCompressed, size, origin, body }: Wrapped): Buffer {
  const bytes = Buffer.allocUnsafe(WRAP_BYTES + body.length)
  bytes[0] = type
  bytes[1] =
    (isSealed ? FORM.sealed : 0) | (isCompressed ? FORM.compressed : 0) | (origin === undefined ? 0 : FORM.moved)
  bytes.writeUInt32LE(size, 2)
  bytes.writeUInt32LE(origin?.segment ?? 0, 6)
  bytes.writeUInt32LE(origin?.stored ?? 0, 10)
  bytes.writeBigUInt64LE(BigInt(origin?.offset ?? 0), 14)
  body.copy(bytes, WRAP_BYTES)
  return bytes
}

/** Reads what `wrap` has made; undefined when it is none. The body shares memory with it. */
export function unwrap(payload: Buffer): Wrapped | undefined {
  const [type, form = 0] = payload
  if (payload.length < WRAP_BYTES || !isBlobFrame(type)) return undefined
  const size = payload.readUInt32LE(2)
  const segment = payload.readUInt32LE(6)
  const stored = payload.readUInt32LE(10)
  const offset = Number(payload.readBigUInt64LE(14))
  return {
    type,
    isSealed: (form & FORM.sealed) !== 0,
    isCompressed: (form & FORM.compressed) !== 0,
    size,
    origin: (form & FORM.moved) === 0 ? undefined : { segment, offset, size, stored },
    body: payload.subarray(WRAP_BYTES),
  }
}

/** The bytes as they were written. @throws MailError CORRUPT */
export function openBody(wrapped: Wrapped, vault: Vault | undefined): Buffer {
  const bytes = plainBody(wrapped, vault)
  if (bytes.length === wrapped.size) return bytes
  throw new MailError('CORRUPT', `a frame holds ${bytes.length} octets, not ${wrapped.size}`)
}

function plainBody({ type, isSealed, isCompressed, body }: Wrapped, vault: Vault | undefined): Buffer {
  let bytes = body
  if (isSealed) {
    if (vault === undefined) throw new MailError('CORRUPT', 'the message is encrypted, and no key is configured')
    bytes = vault.open(KINDS[type], bytes)
  }
  if (!isCompressed) return bytes
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: MAX_PLAIN_BYTES })
  } catch (cause) {
    throw new MailError('CORRUPT', 'what was compressed cannot be expanded', { cause })
  }
}

/** The bytes in the form they are to be stored in. */
export function seal(type: BlobFrameType, bytes: Buffer, vault: Vault | undefined): Pick<Wrapped, 'isSealed' | 'body'> {
  return vault === undefined
    ? { isSealed: false, body: bytes }
    : { isSealed: true, body: vault.seal(KINDS[type], bytes) }
}

/** Compresses off this thread; undefined when it does not pay. */
export async function compress(bytes: Buffer): Promise<Buffer | undefined> {
  const smaller = await compressed(bytes, PARAMS)
  return smaller.length <= bytes.length * WORTH ? smaller : undefined
}

export function isBlobFrame(type: number | undefined): type is BlobFrameType {
  return type === FRAME.blob || type === FRAME.chunk || type === FRAME.manifest
}
