import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { type Layout, segmentPath } from '../layout.ts'
import { SEALED, type Vault } from '../vault/vault.ts'
import {
  damagedBlock,
  decodeHead,
  FIXED_HEAD_BYTES,
  FRAME,
  type FrameHead,
  type FrameType,
  headBytesOf,
} from './frame.ts'

export interface ScannedFrame {
  readonly kind: 'frame'
  readonly type: FrameType
  readonly offset: number
  readonly end: number
  /** Octets of the payload. */
  readonly length: number
  /** Of a commit, opened, or what else was asked for; empty for other frames. Good until the next frame, a commit's for ever. */
  readonly payload: Buffer
}

/** Octets that are no whole frame: the torn end of a file, or damage. */
export interface ScannedDamage {
  readonly kind: 'damage'
  readonly offset: number
  /** Where the next good frame begins, or the file ends. */
  readonly end: number
  /** What its head says, when that is whole. */
  readonly frame?: { readonly type: FrameType; readonly length: number }
}

const WINDOW_BYTES = 512 * 1024

/**
 * Reads the frames of a segment one after the other, past damage to the next frame that is whole.
 * @param options.from offset of a frame
 * @param options.to offset at which to end; the file's end when absent
 * @param options.check also proves the bytes of messages, and not commits alone
 * @param options.payloads types of frames whose payload is wanted beside that of commits
 */
export function* scanSegment(
  layout: Layout,
  segment: number,
  options: { from: number; to?: number; check: boolean; payloads?: readonly FrameType[] },
): Generator<ScannedFrame | ScannedDamage> {
  const fd = openSync(segmentPath(layout, segment), 'r')
  try {
    const window = new Window(fd, Math.min(options.to ?? Number.POSITIVE_INFINITY, fstatSync(fd).size))
    const reader = new FrameReader(window, layout, segment, options.payloads ?? [])
    for (let offset = options.from; offset < window.size; ) {
      const found = reader.read(offset, options.check) ?? { kind: 'damage', offset, end: reader.next(offset + 1) }
      yield found
      offset = found.end
    }
  } finally {
    closeSync(fd)
  }
}

class FrameReader {
  readonly #window: Window
  readonly #marker: Buffer
  readonly #segment: number
  readonly #wanted: readonly FrameType[]
  readonly #vault: Vault | undefined

  constructor(window: Window, { marker, vault }: Layout, segment: number, wanted: readonly FrameType[]) {
    this.#window = window
    this.#vault = vault
    this.#wanted = wanted
    this.#marker = marker
    this.#segment = segment
  }

  /** The frame at the offset, or how far its damage reaches; undefined when the head does not tell. */
  read(offset: number, check: boolean): ScannedFrame | ScannedDamage | undefined {
    const head = this.#head(offset)
    if (head === undefined) return undefined
    const { type, length } = head
    const begin = offset + head.headSize
    const end = begin + length
    const frame = { type, length }
    if (end > this.#window.size) return { kind: 'damage', offset, end: this.#window.size, frame }
    const isSealed = type === FRAME.sealedCommit
    const isCommit = type === FRAME.commit || isSealed
    const isWanted = isCommit || this.#wanted.includes(type)
    if (!isWanted && !check) return { kind: 'frame', type, offset, end, length, payload: NOTHING }
    const payload = this.#window.read(begin, length)
    if (payload.length < length || damagedBlock(head, payload) !== -1) return { kind: 'damage', offset, end, frame }
    if (isSealed) {
      const opened = this.#opened(payload)
      if (opened === undefined) return { kind: 'damage', offset, end, frame }
      return { kind: 'frame', type: FRAME.commit, offset, end, length, payload: opened }
    }
    const kept = isCommit ? Buffer.from(payload) : isWanted ? payload : NOTHING
    return { kind: 'frame', type, offset, end, length, payload: kept }
  }

  #opened(payload: Buffer): Buffer | undefined {
    try {
      return this.#vault?.open(SEALED.commit, payload)
    } catch {
      return undefined
    }
  }

  /** Offset of the next frame; the end of the file when there is none. */
  next(from: number): number {
    for (let at = this.#window.find(this.#marker, from); at !== -1; at = this.#window.find(this.#marker, at + 1)) {
      if (this.#head(at) !== undefined) return at
    }
    return this.#window.size
  }

  #head(offset: number): FrameHead | undefined {
    const size = headBytesOf(this.#marker, this.#window.read(offset, FIXED_HEAD_BYTES))
    if (size === undefined) return undefined
    return decodeHead(this.#marker, { segment: this.#segment, offset }, this.#window.read(offset, size))
  }
}

const NOTHING = Buffer.alloc(0)

/** A file read through one buffer that moves along. What `read` returns is good until the next call. */
class Window {
  readonly size: number
  readonly #fd: number
  #buffer = Buffer.allocUnsafe(WINDOW_BYTES)
  #start = 0
  #length = 0

  constructor(fd: number, size: number) {
    this.#fd = fd
    this.size = size
  }

  /** Shorter than asked for at the end of the file. */
  read(offset: number, length: number): Buffer {
    const wanted = Math.max(0, Math.min(length, this.size - offset))
    if (offset < this.#start || offset + wanted > this.#start + this.#length) this.#fill(offset, wanted)
    return this.#buffer.subarray(offset - this.#start, offset - this.#start + wanted)
  }

  /** Offset of the next occurrence; -1 when there is none. */
  find(needle: Buffer, from: number): number {
    for (let at = from; at < this.size; at += WINDOW_BYTES - needle.length) {
      const found = this.read(at, WINDOW_BYTES).indexOf(needle)
      if (found !== -1) return at + found
    }
    return -1
  }

  #fill(offset: number, length: number): void {
    if (length > this.#buffer.length) this.#buffer = Buffer.allocUnsafe(length)
    this.#start = offset
    this.#length = 0
    const wanted = Math.min(this.#buffer.length, this.size - offset)
    while (this.#length < wanted) {
      const count = readSync(this.#fd, this.#buffer, this.#length, wanted - this.#length, offset + this.#length)
      if (count === 0) break
      this.#length += count
    }
  }
}
