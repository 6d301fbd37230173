import type { Readable } from 'node:stream'
import { defineService } from '../kernel/service.ts'

/** Names a blob in its store. Text that is safe in a key; its shape is the driver's. */
export type BlobRef = string & { readonly __brand: 'BlobRef' }

export interface BlobRange {
  /** First byte, 0-based. */
  readonly start: number
  /** One past the last byte; the blob's end when absent or beyond it. */
  readonly end?: number
}

/** Octets of a blob that are wanted: all when there is no range. */
export interface WantedRange {
  readonly ref: BlobRef
  readonly range?: BlobRange
}

/**
 * Takes a message's bytes as they arrive. Holds a bounded window of them in memory, however large the message is.
 */
export interface BlobWriter {
  /** Bytes written so far. */
  readonly size: number
  /** Keeps no reference to `chunk` after it resolves. @throws MailError STORE_FULL, UNAVAILABLE */
  write(chunk: Buffer): Promise<void>
  /** Ends the blob. It is readable now, and durable with the next durable commit of the Engine (or `durable`). */
  finish(): Promise<BlobRef>
  /** Gives up what was written. Safe to call at any time, also after `finish` failed. */
  abort(): Promise<void>
}

/**
 * Immutable bytes. Drivers: the append-only segment log that comes with `level`, `maildir`, `s3`.
 * A driver passes `blobStoreContract` of `mailserver/testing`.
 */
export interface BlobStore {
  writer(): Promise<BlobWriter>
  /** The whole of a small blob at once. Keeps no reference to `bytes` once it has resolved, or failed. */
  write(bytes: Buffer): Promise<BlobRef>
  /** The bytes of the range as one buffer. @throws MailError NOT_FOUND, CORRUPT (a checksum does not match) */
  read(ref: BlobRef, range?: BlobRange): Promise<Buffer>
  /**
   * Whole blobs in the order of `refs`, read ahead and in large pieces where they lie side by side: the way to send
   * many messages. A batch holds about 1 MB, or one blob when that is larger, so read blobs that may be huge with
   * `stream`. Buffers may share memory with others of their batch.
   * @throws MailError NOT_FOUND, CORRUPT, UNAVAILABLE at the first blob that cannot be read, once all before it are
   * delivered; begin again behind it for the rest
   */
  readMany(refs: readonly BlobRef[]): AsyncIterable<readonly (readonly [ref: BlobRef, bytes: Buffer])[]>
  /**
   * The same for parts of blobs, such as the headers of a mailbox: of each what its range asks for, in the order of
   * `wanted`. What lies between two parts is read along where that is cheaper than another call. The octets of a batch are
   * good until the next batch is asked for: their room is used again.
   * @throws MailError as `readMany`
   */
  readRanges(wanted: readonly WantedRange[]): AsyncIterable<readonly (readonly [ref: BlobRef, bytes: Buffer])[]>
  /** The bytes of the range as a stream, with back-pressure. */
  stream(ref: BlobRef, range?: BlobRange): Readable
  /**
   * Resolves when the blob survives a power failure, or will with the next commit of the Engine that shares this
   * store's log. Call it before the commit that refers to the blob.
   */
  durable(ref: BlobRef): Promise<void>
  /** The blob is not needed any more; its room is taken back later. Safe to repeat. */
  release(ref: BlobRef): Promise<void>
}

export const blobStore = defineService<BlobStore>('core:blob-store')
