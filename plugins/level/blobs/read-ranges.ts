import { type BlobRef, MailError, type WantedRange } from 'mailserver'
import { FRAME } from '../segments/frame.ts'
import type { FrameReads } from './frame-reads.ts'
import { planReads, type Scattered, type Span } from './read-plan.ts'
import type { SpanBuffers } from './span-buffers.ts'

export type BlobBatch = readonly (readonly [ref: BlobRef, bytes: Buffer])[]

/** Blobs far apart in the log are collected up to this size. */
const BATCH_BYTES = 512 * 1024

interface Step {
  readonly span: Span
  readonly bytes: Promise<Buffer>
}

/**
 * Reads blobs, or ranges of them, in order. While a span of neighbours is proven and used, the next is read; a blob in parts is begun
 * when its turn comes, so that no more than one of those is in memory.
 * @param readOne reads a blob in parts, or one that was moved just now
 * @param buffers the octets of a batch are in these, and good until the next batch is asked for; for ever when absent
 */
export async function* readRanges(
  ranges: readonly WantedRange[],
  reads: FrameReads,
  readOne: (wanted: WantedRange) => Promise<Buffer>,
  buffers?: SpanBuffers,
): AsyncGenerator<BlobBatch> {
  const steps = planReads(ranges, (place) => reads.locate(place))
  let batch: (readonly [BlobRef, Buffer])[] = []
  let size = 0
  const used: Buffer[] = []
  let ahead = begin(steps, reads, buffers)
  while (ahead !== undefined) {
    const step: Step | Scattered | Failed = ahead
    ahead = 'fault' in step ? undefined : begin(steps, reads, buffers)
    try {
      if ('fault' in step) throw step.fault
      if ('span' in step) {
        const { blobs, start } = step.span
        const bytes = await readOf(step)
        if (bytes !== undefined) used.push(bytes)
        for (const blob of blobs) {
          const { wanted, place } = blob
          const frame = bytes?.subarray(place.offset - start)
          const octets = frame === undefined ? await readOne(wanted) : reads.open(place, FRAME.blob, frame, blob)
          batch.push([wanted.ref, octets])
        }
        size += step.span.size
      } else {
        const bytes = await readOne(step.wanted)
        batch.push([step.wanted.ref, bytes])
        size += bytes.length
      }
    } catch (fault) {
      if (batch.length > 0) yield batch
      throw fault
    }
    if (size < BATCH_BYTES && ahead !== undefined) continue
    yield batch
    for (const bytes of used.splice(0)) buffers?.give(bytes)
    batch = []
    size = 0
  }
}

/** Undefined when the segment has gone since: its blobs were moved. */
async function readOf({ bytes }: Step): Promise<Buffer | undefined> {
  try {
    return await bytes
  } catch (fault) {
    if (fault instanceof MailError && fault.code === 'NOT_FOUND') return undefined
    throw fault
  }
}

interface Failed {
  readonly fault: unknown
}

function begin(
  steps: Iterator<Span | Scattered>,
  reads: FrameReads,
  buffers: SpanBuffers | undefined,
): Step | Scattered | Failed | undefined {
  try {
    const { value: step, done } = steps.next()
    if (done === true || step.kind === 'scattered') return step
    const { segment, start, end } = step
    const bytes = reads.span(segment, start, buffers?.take(end - start) ?? Buffer.allocUnsafe(end - start))
    // Nobody may be waiting yet when it fails, and nobody ever will when the reader leaves early.
    bytes.catch(() => {})
    return { span: step, bytes }
  } catch (fault) {
    return { fault }
  }
}
