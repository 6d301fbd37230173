import type { Part } from './part.ts'
import { previewBytes, previewOf } from './preview.ts'

/** Text parts whose beginnings are kept: the first is often an empty twin of the second. */
const MAX_TEXTS = 2

interface Beginning {
  readonly part: Part
  kept: Buffer | undefined
}

/** The first octets of a message's first text parts, taken while it passes: a few KiB, however large it is. */
export class TextBeginnings {
  readonly #texts: Beginning[] = []

  get hasRoom(): boolean {
    return this.#texts.length < MAX_TEXTS
  }

  /** A text part that is read in its place begins. */
  add(part: Part): void {
    this.#texts.push({ part, kept: undefined })
  }

  /** @param data octets of the message from `base` on */
  take(data: Buffer, base: number): void {
    for (const text of this.#texts) {
      const { part, kept } = text
      const from = part.bodyStart + (kept?.length ?? 0)
      const room = previewBytes(part.subtype) - (kept?.length ?? 0)
      if (room <= 0 || from < base || from >= base + data.length) continue
      const next = data.subarray(from - base, from - base + room)
      text.kept = kept === undefined ? next : Buffer.concat([kept, next])
    }
  }

  /** Of the first part that has something to read. Every part has ended. */
  preview(): string | undefined {
    for (const { part, kept } of this.#texts) {
      const found = kept && previewOf(kept.subarray(0, part.bodyEnd - part.bodyStart), part)
      if (found !== undefined) return found
    }
    return undefined
  }
}
