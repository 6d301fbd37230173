import type { BlobRef, OrphanOptions } from 'mailserver'
import { formatBlobRef } from '../blobs/blob-ref.ts'
import { forwardOf } from '../blobs/forwards.ts'
import { decodeManifest, type Part } from '../blobs/manifest.ts'
import type { Releases } from '../blobs/releases.ts'
import type { StoredFrame } from '../blobs/stored-frame.ts'
import { openBody } from '../blobs/wrapping.ts'
import type { Database } from '../engine/database.ts'
import { readValue } from '../engine/index-reader.ts'
import { AUDIT, releasedKey } from '../engine/private-keys.ts'
import { type Layout, listSegments } from '../layout.ts'
import { readAudit } from '../owner/audit.ts'
import { FRAME, type Place } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import { inTurns } from './in-turns.ts'
import { type MessageFrame, messageFrames } from './message-frames.ts'

export interface OrphanParts {
  readonly layout: Layout
  readonly db: Database
  readonly segments: SegmentLog
  readonly releases: Releases
}

export interface Freed {
  readonly freedBlobs: number
  readonly freedBytes: number
}

/** A blob that was found, with all the frames it stands in. */
interface FoundBlob {
  readonly ref: BlobRef
  readonly frames: readonly StoredFrame[]
  readonly size: number
}

const BATCH = 500

/** Frees what runs before this one left behind without anybody who needs it. */
export async function freeOrphans(parts: OrphanParts, options: OrphanOptions): Promise<Freed> {
  options.signal.throwIfAborted()
  const { layout, db, segments } = parts
  const audit = await readAudit(db)
  if (audit === undefined) return { freedBlobs: 0, freedBytes: 0 }
  const search = new Search(parts, options, audit.from)
  for (const segment of listSegments(layout)) {
    if (segment < audit.from || segment >= audit.to) continue
    const scan = messageFrames(layout, segment, {
      to: Number.POSITIVE_INFINITY,
      check: false,
      payloads: [FRAME.manifest],
    })
    for await (const found of inTurns(scan, options.signal)) if (found.kind === 'message') await search.see(found)
  }
  const freed = await search.finish()
  await segments.commit({ ops: [{ key: AUDIT, value: undefined }], until: 'logged' })
  return freed
}

class Search {
  readonly #parts: OrphanParts
  readonly #options: OrphanOptions
  readonly #from: number
  readonly #chunks = new Map<string, StoredFrame>()
  /** Parts that some list names. A list may well be seen before its parts, for both may have been moved. */
  readonly #listedParts = new Set<string>()
  #blobs: FoundBlob[] = []
  #freedBlobs = 0
  #freedBytes = 0

  constructor(parts: OrphanParts, options: OrphanOptions, from: number) {
    this.#parts = parts
    this.#options = options
    this.#from = from
  }

  async see(found: MessageFrame): Promise<void> {
    const { type, at, origin } = found
    if (this.#isDead(at)) return
    if (found.wrapped?.origin !== undefined && !this.#isCurrent(at, origin)) {
      // A copy that a compaction made and did not come to use: the frame is still where it was.
      await this.#parts.releases.releaseAt(at)
      this.#freedBytes += at.stored
      return
    }
    // It was moved here from an older run, whose messages are all needed, or were judged then.
    if (origin.segment < this.#from) return
    if (type === FRAME.chunk) this.#chunks.set(nameOf(origin), origin)
    else await this.#judge(type === FRAME.manifest ? this.#listed(found) : whole(origin))
  }

  /** Looks at what is left once all has been seen. */
  async finish(): Promise<Freed> {
    await this.#judgeBatch()
    const left = [...this.#chunks].filter(([name]) => !this.#listedParts.has(name)).map(([, chunk]) => chunk)
    for (let at = 0; at < left.length; at += BATCH) await this.#release(left.slice(at, at + BATCH))
    return { freedBlobs: this.#freedBlobs, freedBytes: this.#freedBytes }
  }

  #isDead({ segment, offset }: Place): boolean {
    return readValue(this.#parts.db, releasedKey(segment, offset)) !== undefined
  }

  #isCurrent(at: Place, origin: Place): boolean {
    const forward = forwardOf(this.#parts.db, origin)
    return forward?.segment === at.segment && forward.offset === at.offset
  }

  #listed({ origin, wrapped, payload }: MessageFrame): FoundBlob {
    const parts: Part[] = decodeManifest(wrapped === undefined ? payload : openBody(wrapped, this.#parts.layout.vault))
    for (const part of parts) this.#listedParts.add(nameOf(part))
    const size = parts.reduce((sum, part) => sum + part.size, 0)
    return { ref: formatBlobRef({ kind: 'manifest', ...origin, size }), frames: [...parts, origin], size }
  }

  async #judge(blob: FoundBlob): Promise<void> {
    this.#blobs.push(blob)
    if (this.#blobs.length >= BATCH) await this.#judgeBatch()
  }

  async #judgeBatch(): Promise<void> {
    const blobs = this.#blobs
    this.#blobs = []
    if (blobs.length === 0) return
    const needed = await this.#options.isNeeded(blobs.map(({ ref }) => ref))
    for (const [at, { frames }] of blobs.entries()) {
      if (needed[at] !== false) continue
      await this.#release(frames)
      this.#freedBlobs += 1
    }
  }

  async #release(frames: readonly StoredFrame[]): Promise<void> {
    await this.#parts.releases.release(frames)
    this.#freedBytes += frames.reduce((sum, { size }) => sum + size, 0)
  }
}

function whole(origin: StoredFrame): FoundBlob {
  return { ref: formatBlobRef({ kind: 'whole', ...origin }), frames: [origin], size: origin.size }
}

function nameOf({ segment, offset }: Place): string {
  return `${segment}.${offset}`
}
