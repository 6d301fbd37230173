import { FRAME } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import type { Vault } from '../vault/vault.ts'
import type { StoredFrame } from './stored-frame.ts'
import { type BlobFrameType, seal, wrap } from './wrapping.ts'

/** Appends frames with message bytes, sealed when there is a vault. */
export class FrameWrites {
  readonly #segments: SegmentLog
  readonly #vault: Vault | undefined

  constructor(segments: SegmentLog, vault: Vault | undefined) {
    this.#segments = segments
    this.#vault = vault
  }

  /** They are in the file when it resolves. @throws MailError STORE_FULL, UNAVAILABLE */
  async append(type: BlobFrameType, bytes: Buffer): Promise<StoredFrame> {
    const size = bytes.length
    if (this.#vault === undefined) {
      const { segment, offset } = await this.#segments.append(type, bytes)
      return { segment, offset, size, stored: 0 }
    }
    const payload = wrap({ type, isCompressed: false, size, origin: undefined, ...seal(type, bytes, this.#vault) })
    const { segment, offset } = await this.#segments.append(FRAME.wrapped, payload)
    return { segment, offset, size, stored: payload.length }
  }
}
