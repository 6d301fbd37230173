import type { Place } from '../segments/frame.ts'

/** A frame with message bytes, and all that is needed to read it with one call. */
export interface StoredFrame extends Place {
  /** Octets that were written by whoever wrote the message. */
  readonly size: number
  /** Octets of the payload when the frame holds them in another form; 0 when it holds them as they are. */
  readonly stored: number
}

/** Octets of its payload. */
export function payloadBytes({ size, stored }: StoredFrame): number {
  return stored === 0 ? size : stored
}
