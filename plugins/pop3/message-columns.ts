import type { StateColumns } from 'mailserver'

/** One message of the maildrop. */
export interface Message {
  /** Message number, from 1. */
  readonly number: number
  readonly uid: number
  /** Octets as they are sent: with CRLF line ends, without dot-stuffing (RFC 1939 section 11). */
  readonly size: number
  /** Octets as they are stored. */
  readonly storedSize: number
  readonly isSeen: boolean
  /** Milliseconds since the epoch. */
  readonly internalDate: number
}

/** The messages of a maildrop in columns: ten thousand are a login's work, and most are never asked for. */
export class MessageColumns {
  readonly count: number
  /** In the order of message numbers. */
  readonly uids: Uint32Array
  readonly #storedSizes: Uint32Array
  readonly #flags: Uint32Array
  readonly #isSeen: readonly boolean[]
  readonly #internalDates: Float64Array
  #sizes: Uint32Array

  /** @param hidden messages with this keyword are left out; the arrays of `columns` become this one's */
  constructor(columns: StateColumns, hidden: string) {
    const { uids, sizes, flags, internalDates, flagSets } = columns
    this.count = keep(columns, hidden)
    this.uids = uids.subarray(0, this.count)
    this.#storedSizes = sizes
    this.#sizes = sizes
    this.#flags = flags
    this.#internalDates = internalDates
    this.#isSeen = flagSets.map((set) => set.includes('\\Seen'))
  }

  /** @param extra octets that line ends add, by UID */
  grow(extra: ReadonlyMap<number, number>): void {
    if (extra.size === 0) return
    this.#sizes = this.#storedSizes.map((size, row) => size + (extra.get(this.uids[row] ?? 0) ?? 0))
  }

  /** @returns undefined when there is no such number */
  message(number: number): Message | undefined {
    const row = number - 1
    const uid = this.uids[row]
    if (uid === undefined) return undefined
    return {
      number,
      uid,
      size: this.size(number),
      storedSize: this.#storedSizes[row] as number,
      isSeen: this.#isSeen[this.#flags[row] as number] as boolean,
      internalDate: this.#internalDates[row] as number,
    }
  }

  /** Octets as they are sent. */
  size(number: number): number {
    return this.#sizes[number - 1] as number
  }
}

/** Closes the gaps that hidden messages leave. @returns how many are left */
function keep({ count, uids, sizes, flags, internalDates, flagSets }: StateColumns, hidden: string): number {
  const isHidden = flagSets.map((set) => set.includes(hidden))
  if (!isHidden.includes(true)) return count
  let kept = 0
  for (let row = 0; row < count; row++) {
    if (isHidden[flags[row] as number]) continue
    uids[kept] = uids[row] as number
    sizes[kept] = sizes[row] as number
    flags[kept] = flags[row] as number
    internalDates[kept] = internalDates[row] as number
    kept += 1
  }
  return kept
}
