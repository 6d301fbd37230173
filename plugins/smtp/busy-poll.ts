import { availableParallelism } from 'node:os'

/** A peer that is near, above all a program on this machine, answers within this; others take milliseconds. */
const POLL_MS = 0.2
/** So many in a row that did not answer in time: the peer is not near. */
const MISSES = 4
/** How many turns of peers pass then until it is looked again whether one is near. */
const SELDOM = 64
/** How many pass once two were waited for: with several peers there is nearly always something to do. */
const CROWDED = 256

/** What is known of a connection without waiting: a socket. */
export interface Peer {
  readonly bytesRead: number
  readonly destroyed: boolean
}

export interface BusyPollTools {
  /** Milliseconds, with parts. */
  readonly now: () => number
  /** Calls back after the loop has looked once whether there is anything to do, without sleeping. */
  readonly nextTurn: (look: () => void) => void
}

/**
 * Keeps this thread awake for a moment after a reply. Where the peer answers at once, falling asleep and being woken up
 * takes longer than that, most of all on a virtual machine, whose host takes the processor away meanwhile. Only while one
 * peer alone is served, and only as long as it pays: one that does not answer at once is hardly ever waited for.
 */
export class BusyPoll {
  readonly #tools: BusyPollTools
  #peer: Peer | undefined
  #bytesBefore = 0
  #until = 0
  #isLooking = false
  #misses = 0
  #passing = 0

  constructor(tools: BusyPollTools) {
    this.#tools = tools
  }

  /** It is the peer's turn: all replies have gone out. */
  expect(peer: Peer): void {
    if (this.#passing > 0) {
      this.#passing -= 1
      return
    }
    const before = this.#peer
    if (before !== undefined && before !== peer && !before.destroyed) {
      this.#peer = undefined
      this.#passing = CROWDED
      return
    }
    this.#peer = peer
    this.#bytesBefore = peer.bytesRead
    this.#until = this.#tools.now() + POLL_MS
    if (this.#isLooking) return
    this.#isLooking = true
    this.#tools.nextTurn(this.#look)
  }

  readonly #look = () => {
    const peer = this.#peer
    const hasAnswered = peer?.bytesRead !== this.#bytesBefore
    if (!hasAnswered && this.#tools.now() < this.#until) {
      this.#tools.nextTurn(this.#look)
      return
    }
    this.#isLooking = false
    if (peer === undefined) return
    this.#peer = undefined
    this.#misses = hasAnswered ? 0 : this.#misses + 1
    if (this.#misses >= MISSES) this.#passing = SELDOM
  }
}

/** This thread's. With one processor the peer could not answer meanwhile. */
export const busyPoll: Pick<BusyPoll, 'expect'> =
  availableParallelism() > 1
    ? new BusyPoll({ now: () => performance.now(), nextTurn: (look) => void setImmediate(look) })
    : { expect() {} }
