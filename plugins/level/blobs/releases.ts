import { existsSync } from 'node:fs'
import type { Database } from '../engine/database.ts'
import { releasedKey } from '../engine/private-keys.ts'
import type { ScopeLocks } from '../engine/scope-locks.ts'
import { type Layout, segmentPath } from '../layout.ts'
import type { Op } from '../segments/commit-frame.ts'
import { frameBytes } from '../segments/frame.ts'
import type { SegmentLog } from '../segments/segment-log.ts'
import { forwardOf, forwardOp } from './forwards.ts'
import { payloadBytes, type StoredFrame } from './stored-frame.ts'

export interface ReleasesParts {
  readonly layout: Layout
  readonly db: Database
  readonly segments: SegmentLog
  /** The frame lock. Held by who says where frames are, or that they are dead: between look and commit no other does. */
  readonly lock: ScopeLocks
}

/** Marks frames as dead. */
export class Releases {
  readonly #parts: ReleasesParts
  #waiting: { readonly frames: StoredFrame[]; readonly done: Promise<void> } | undefined

  constructor(parts: ReleasesParts) {
    this.#parts = parts
  }

  /** Many releases come together: those of one turn of the event loop share a commit. Safe to repeat. */
  release(frames: readonly StoredFrame[]): Promise<void> {
    if (this.#waiting === undefined) {
      const waiting: StoredFrame[] = []
      const done = new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
        this.#waiting = undefined
        return this.#commit(waiting)
      })
      this.#waiting = { frames: waiting, done }
    }
    this.#waiting.frames.push(...frames)
    return this.#waiting.done
  }

  /** Marks the frame at this very place as dead, wherever its blob is. */
  async releaseAt(frame: StoredFrame): Promise<void> {
    await this.alone(() => this.#parts.segments.commit({ ops: [deadOp(frame)], until: 'logged' }))
  }

  /** Runs `fn` while nobody else says where frames are. */
  async alone<T>(fn: () => Promise<T>): Promise<T> {
    const turn = await this.#parts.lock.acquire([''])
    try {
      return await fn()
    } finally {
      turn.end()
    }
  }

  #commit(frames: readonly StoredFrame[]): Promise<void> {
    return this.alone(async () => {
      const ops = frames.flatMap((frame) => this.#ops(frame))
      if (ops.length > 0) await this.#parts.segments.commit({ ops, until: 'logged' })
    })
  }

  #ops(frame: StoredFrame): Op[] {
    const forward = forwardOf(this.#parts.db, frame)
    if (forward !== undefined) return [forwardOp(frame, undefined), deadOp({ ...frame, ...forward })]
    // Released before, and so was everything beside it.
    return existsSync(segmentPath(this.#parts.layout, frame.segment)) ? [deadOp(frame)] : []
  }
}

/** Marks the frame at this very place as dead. */
export function deadOp(frame: StoredFrame): Op {
  const value = Buffer.allocUnsafe(4)
  value.writeUInt32LE(frameBytes(payloadBytes(frame)))
  return { key: releasedKey(frame.segment, frame.offset), value }
}
