/** A disk that takes this long, on the average of the last syncs, is one that a thread may wait for. */
const QUICK_MS = 1
/** How many syncs the average looks back on, about. */
const LOOK_BACK = 16
/** So many syncs in a row must have run with nobody coming meanwhile. */
const LONE_SYNCS = 16
/** More than this is never written to the disk within a moment. */
const SMALL_BYTES = 256 * 1024
/** A commit with more takes the disk long enough for other work to go on meanwhile. */
const SMALL_COMMIT_BYTES = 16 * 1024
/** How often it is looked whether somebody comes by now: while a thread waits, nobody can. */
const HELD_IN_A_ROW = 100

/**
 * Decides where a sync is waited for. Two turns to and from the thread pool take as long as a quick disk takes to sync, and
 * longer while the processors are busy. So the thread waits itself when there is nothing else to do meanwhile, for one session
 * alone delivers, or when several small commits wait for this sync already. For one that came too late for those it does as
 * well, but not twice in a row: while the pool syncs, the sessions come together again that would each have a sync of its own.
 * Otherwise, or on a disk that is not quick or was not just now, it goes on with other work.
 */
export class SyncPace {
  #averageMs = Number.POSITIVE_INFINITY
  #lone = 0
  #held = 0
  #waitersBefore = 0

  /** Did commits come while the last sync of the pool ran? Then more are likely to come soon. */
  get hasCompany(): boolean {
    return this.#lone === 0
  }

  /** May the thread wait for the sync that is about to begin? @param waiters commits that wait for it @param bytes of it */
  mayHold(waiters: number, bytes: number): boolean {
    const isAlone = waiters === 1 && this.#lone >= LONE_SYNCS && this.#held < HELD_IN_A_ROW
    const isQuick = bytes <= SMALL_BYTES && this.#averageMs <= QUICK_MS
    this.#held = isAlone && isQuick ? this.#held + 1 : 0
    const isShared = waiters > 1 || this.#waitersBefore > 1
    this.#waitersBefore = waiters
    return isQuick && (isAlone || (isShared && bytes <= waiters * SMALL_COMMIT_BYTES))
  }

  /**
   * A sync has ended. One that the pool has waited for tells how quick the disk is at the least: what it took longer than
   * usual may have been this thread, which was busy when it ended.
   * @param came commits that came while it ran; undefined when none could, for the thread has waited itself
   */
  ended(ms: number, came: number | undefined): void {
    if (came !== undefined) this.#lone = came === 0 ? this.#lone + 1 : 0
    const before = Number.isFinite(this.#averageMs) ? this.#averageMs : ms
    if (came === undefined || ms < before) this.#averageMs = before + (ms - before) / LOOK_BACK
    else this.#averageMs = before
  }
}
