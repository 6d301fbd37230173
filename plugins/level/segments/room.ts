import { statfsSync } from 'node:fs'
import { MailError } from 'mailserver'
import { faultOf } from '../faults.ts'

const CHECK_BYTES = 1024 * 1024
const CHECK_MS = 250

/**
 * Keeps the last of the disk for the index. LevelDB cannot go on after a failed write of its own until it is opened
 * again, so the log stops taking mail while LevelDB still has room to work in. Half of the reserve is left to commits
 * without a message in them: they are how mail is deleted and room made.
 */
export class Room {
  readonly #path: string
  readonly #reserve: number
  #available = 0
  #sinceBytes = Number.POSITIVE_INFINITY
  #sinceMs = 0

  constructor(path: string, reserve: number) {
    this.#path = path
    this.#reserve = reserve
  }

  /** @throws MailError STORE_FULL when `bytes` more would eat into the reserve */
  take(bytes: number, what: 'message' | 'commit'): void {
    this.#sinceBytes += bytes
    if (this.#sinceBytes >= CHECK_BYTES || performance.now() - this.#sinceMs >= CHECK_MS) {
      this.#available = availableAt(this.#path)
      this.#sinceBytes = bytes
      this.#sinceMs = performance.now()
    }
    const kept = what === 'message' ? this.#reserve : this.#reserve / 2
    if (this.#available - this.#sinceBytes >= kept) return
    this.#sinceBytes = Number.POSITIVE_INFINITY
    throw new MailError('STORE_FULL', `no room is left on the disk of ${this.#path}: less than ${kept} octets are free`)
  }
}

/** Octets that are free on the disk of `path`. @throws MailError */
export function availableAt(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path)
    return bavail * bsize
  } catch (cause) {
    throw faultOf(cause, `asking for the room on the disk of ${path}`)
  }
}
