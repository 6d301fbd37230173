/**
 * Appends frames to one segment file. Frames get their offsets in the order they are handed in and are written in that
 * order; what arrives while a write runs goes out with the next one. A write that fails takes back everything that was
 * not wholly written before it, so the file never keeps a frame whose caller was told that it failed.
 */
import { closeSync, fdatasync, fdatasyncSync, ftruncateSync, openSync, writev, writevSync } from 'node:fs'
import { promisify } from 'node:util'
import { faultOf } from '../faults.ts'
import { FILE_MODE, type Layout, segmentPath, syncDirectory } from '../layout.ts'
import { encodeHead, type FrameType, isMessageFrame, type Place } from './frame.ts'
import { Runway, ZEROS } from './runway.ts'

const datasync = promisify(fdatasync)
const vectored = promisify(writev)

/** Up to this much is copied to the page cache at once: shorter than a turn over the thread pool. */
const WRITE_AT_ONCE_BYTES = 64 * 1024
/** More buffers than the system takes in one call (IOV_MAX) never go into one. */
const MAX_BUFFERS = 512

/** Frames with message bytes so far: how a later sweep knows that all of them are dead. */
export interface Tally {
  readonly frames: number
  readonly bytes: number
}

export interface Placed extends Place {
  readonly end: number
  /** Of the segment up to `end`; known once it is written. */
  tally: Tally
}

/** Who follows a frame on its way. Both are called at once, before any other code can append. */
export interface FrameWatch {
  placed(place: Placed): void
  /** The write failed; the place will be used again. */
  takenBack(fault: Error): void
}

interface Pending {
  readonly place: Placed
  readonly head: Buffer
  readonly payload: Buffer
  readonly isMessage: boolean
  readonly bytes: number
  settle(error?: Error): void
}

export class SegmentWriter {
  readonly segment: number
  readonly path: string
  readonly #marker: Buffer
  readonly #fd: number
  readonly #fail: (cause: Error) => void
  readonly #runway = new Runway()
  #end = 0
  #written = 0
  #tally: Tally = { frames: 0, bytes: 0 }
  #queue: Pending[] = []
  #draining: Promise<void> | undefined

  /**
   * Creates the segment's file.
   * @param fail is told when the file is in a state nobody can vouch for
   * @throws MailError STORE_FULL, UNAVAILABLE
   */
  constructor(layout: Layout, segment: number, fail: (cause: Error) => void) {
    this.segment = segment
    this.path = segmentPath(layout, segment)
    this.#marker = layout.marker
    this.#fail = fail
    try {
      this.#fd = openSync(this.path, 'wx', FILE_MODE)
      syncDirectory(layout.log)
    } catch (cause) {
      throw faultOf(cause, `creating ${this.path}`)
    }
  }

  /** Where the next frame will begin. */
  get end(): number {
    return this.#end
  }

  /** Everything before is in the file. */
  get written(): number {
    return this.#written
  }

  get tally(): Tally {
    return this.#tally
  }

  /**
   * Appends a frame. The promise resolves when it is in the file.
   * @throws MailError STORE_FULL, UNAVAILABLE
   */
  append(type: FrameType, payload: Buffer, watch?: FrameWatch): Promise<Placed> {
    const head = encodeHead(this.#marker, { segment: this.segment, offset: this.#end }, type, payload)
    const bytes = head.length + payload.length
    const place: Placed = { segment: this.segment, offset: this.#end, end: this.#end + bytes, tally: this.#tally }
    this.#end += bytes
    watch?.placed(place)
    return new Promise((resolve, reject) => {
      const settle = (error?: Error) => {
        if (error === undefined) return resolve(place)
        watch?.takenBack(error)
        reject(error)
      }
      const isMessage = isMessageFrame(type)
      this.#queue.push({ place, head, payload, isMessage, bytes, settle })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when everything handed in so far is in the file, or has failed. */
  async whenWritten(): Promise<void> {
    await this.#draining
  }

  /** Everything that is in the file now is on disk when it resolves. */
  sync(): Promise<void> {
    this.#runway.onSync(this.#written)
    return datasync(this.#fd)
  }

  /** The same, and nothing else happens in this thread meanwhile. */
  syncNow(): void {
    this.#runway.onSync(this.#written)
    fdatasyncSync(this.#fd)
  }

  /** Nothing is to be written any more. */
  close(): void {
    try {
      if (this.#runway.end > this.#written) ftruncateSync(this.#fd, this.#written)
    } finally {
      closeSync(this.#fd)
    }
  }

  async #drain(): Promise<void> {
    // What is handed in by other code that runs now goes out with the same write.
    await undefined
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, MAX_BUFFERS)
      const bytes = batch.reduce((sum, pending) => sum + pending.bytes, 0)
      try {
        await this.#write(batch, bytes)
      } catch (cause) {
        this.#takeBack(batch, faultOf(cause, `writing ${this.path}`))
        continue
      }
      this.#written += bytes
      for (const pending of batch) this.#settle(pending)
      const from = this.#runway.wanted(this.#written)
      if (from !== undefined) await this.#lengthen(from)
    }
    this.#draining = undefined
  }

  /** Among the writes, so that the zeros never run into one. Without them everything goes on as well. */
  async #lengthen(from: number): Promise<void> {
    try {
      const { bytesWritten } = await vectored(this.#fd, [ZEROS], from)
      this.#runway.reach(from + bytesWritten)
    } catch {
      this.#runway.reach(from)
    }
  }

  #settle(pending: Pending): void {
    if (pending.isMessage) {
      this.#tally = { frames: this.#tally.frames + 1, bytes: this.#tally.bytes + pending.bytes }
    }
    pending.place.tally = this.#tally
    pending.settle()
  }

  /** Not an async function: a small write is over when it returns, with no turn of the event loop. */
  #write(batch: readonly Pending[], bytes: number): undefined | Promise<void> {
    const parts: Buffer[] = []
    for (const { head, payload } of batch) {
      parts.push(head)
      if (payload.length > 0) parts.push(payload)
    }
    if (bytes > WRITE_AT_ONCE_BYTES) return this.#writeLater(parts, bytes)
    let left = parts
    for (let done = 0; done < bytes; ) {
      const count = writevSync(this.#fd, left, this.#written + done)
      done += count
      if (done < bytes) left = after(left, count)
    }
    return undefined
  }

  async #writeLater(parts: readonly Buffer[], bytes: number): Promise<void> {
    let left = [...parts]
    for (let done = 0; done < bytes; ) {
      const { bytesWritten } = await vectored(this.#fd, left, this.#written + done)
      done += bytesWritten
      if (done < bytes) left = after(left, bytesWritten)
    }
  }

  /**
   * Whoever waits behind the failed write was framed for an offset that will be used again: all of them fail with it.
   * The cut is on disk before they hear of it, so that no replay brings back what they were told is not there.
   */
  #takeBack(batch: readonly Pending[], fault: Error): void {
    const all = [...batch, ...this.#queue]
    this.#queue = []
    this.#end = this.#written
    try {
      ftruncateSync(this.#fd, this.#written)
      fdatasyncSync(this.#fd)
      this.#runway.reach(this.#written)
    } catch (cause) {
      this.#fail(faultOf(cause, `cutting ${this.path} back to ${this.#written}`))
    }
    for (const pending of all) pending.settle(fault)
  }
}

/** The buffers that remain once the first `count` octets of them are written. */
function after(parts: readonly Buffer[], count: number): Buffer[] {
  let skip = count
  const left: Buffer[] = []
  for (const part of parts) {
    if (skip >= part.length) skip -= part.length
    else {
      left.push(skip === 0 ? part : part.subarray(skip))
      skip = 0
    }
  }
  return left
}
