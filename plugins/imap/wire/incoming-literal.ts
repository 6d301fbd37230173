import type { OctetInput } from './octet-input.ts'

/** `{310}`, `{310+}` (RFC 7888) or `~{310}` (RFC 3516) at the end of a line. */
export interface Announcement {
  readonly size: number
  /** The client waits for a continuation before it sends the octets. */
  readonly isSynchronising: boolean
  readonly isBinary: boolean
  /** The line without the announcement. */
  readonly text: string
}

const ANNOUNCEMENT = /(~?)\{(\d{1,20})(\+?)\}$/

export function announcementOf(line: string): Announcement | undefined {
  if (!line.endsWith('}')) return undefined
  const match = ANNOUNCEMENT.exec(line)
  if (match === null) return undefined
  return {
    size: Number(match[2]),
    isSynchronising: match[3] === '',
    isBinary: match[1] === '~',
    text: line.slice(0, match.index),
  }
}

/** A literal that has been announced and not been read: to be read as it comes, or to be refused. */
export class IncomingLiteral {
  readonly size: number
  readonly isSynchronising: boolean
  readonly isBinary: boolean
  readonly #input: OctetInput
  readonly #proceed: () => Promise<void>
  readonly #timeoutMs: number
  #left: number

  /** @param proceed sends the continuation that a synchronising literal waits for */
  constructor(announcement: Announcement, input: OctetInput, timeoutMs: number, proceed: () => Promise<void>) {
    this.size = announcement.size
    this.isSynchronising = announcement.isSynchronising
    this.isBinary = announcement.isBinary
    this.#input = input
    this.#timeoutMs = timeoutMs
    this.#proceed = proceed
    this.#left = announcement.size
  }

  /** The octets as they come. @throws PeerGone, PeerSilent */
  async *chunks(): AsyncGenerator<Buffer, void, undefined> {
    if (this.isSynchronising) await this.#proceed()
    while (this.#left > 0) {
      const octets = await this.#input.some(this.#left, this.#timeoutMs)
      this.#left -= octets.length
      yield octets
    }
  }

  /** The octets in one piece; for a literal whose size has been checked. */
  async whole(): Promise<Buffer> {
    const octets = Buffer.allocUnsafe(this.size)
    let at = 0
    for await (const chunk of this.chunks()) at += chunk.copy(octets, at)
    return octets
  }

  /** Reads what is left and drops it. */
  async drain(): Promise<void> {
    while (this.#left > 0) this.#left -= (await this.#input.some(this.#left, this.#timeoutMs)).length
  }
}
