/** A disk that takes this long, on the average of the last syncs, is one that a thread may wait for. */
const QUICK_MS = 1
/** How many syncs the average looks back on, about. */
const LOOK_BACK = 16
/** So many syncs in a row must have run with nobody coming meanwhile. */
const LONE_SYNCS = 16
/** More than this is never written to the disk within a moment. */
const SMALL_BYTES = 256 * 1024
/** How often it is looked whether somebody comes by now: while a thread waits, nobody can. */
const HELD_IN_A_ROW = 12

/**
 * Decides where a sync is waited for. Two turns to and from the thread pool take as long as a quick disk takes to sync, and
 * while one session alone delivers, there is nothing else to do meanwhile: the thread waits itself. With more sessions, or
 * on a disk that is not quick or was not just now, it goes on with other work.
 */
export class SyncPace {
  #averageMs = Number.POSITIVE_INFINITY
  #lone = 0
  #held = 0

  /** May the thread wait for the sync that is about to begin? @param waiters commits that wait for it @param bytes of it */
  mayHold(waiters: number, bytes: number): boolean {
    const isAlone = waiters === 1 && this.#lone >= LONE_SYNCS
    const isQuick = bytes <= SMALL_BYTES && this.#averageMs <= QUICK_MS
    const may = isAlone && isQuick && this.#held < HELD_IN_A_ROW
    this.#held = may ? this.#held + 1 : 0
    return may
  }

  /** A sync has ended. @param came commits that came while it ran; undefined when none could */
  ended(ms: number, came: number | undefined): void {
    if (came !== undefined) this.#lone = came === 0 ? this.#lone + 1 : 0
    const before = Number.isFinite(this.#averageMs) ? this.#averageMs : ms
    this.#averageMs = before + (ms - before) / LOOK_BACK
  }
}
