import type { Key } from 'mailserver'
import { type KeyHash, KeyMap } from './key-map.ts'
import { WriteSet } from './write-set.ts'

/** A commit that has its place in the log and is not in the index yet. */
export interface PendingCommit {
  writes: WriteSet
  /** What follows it once it is in the index. */
  follow: () => void
  /** What waits for it to be over, in either way. */
  readonly waiting: (() => void)[]
  isOver: boolean
  /** Why it has failed. */
  fault: Error | undefined
}

/**
 * The commits of one thread that are on their way. Its transactions read through them, which lets one begin before its
 * predecessor is on disk: it stands behind what it has read in the same segment, so the disk never has the one without
 * the other. Readers outside of transactions read the index alone, and so nothing that a power failure may still take.
 */
export class PendingCommits {
  /** In the order of their places. An array: a Set in which all come and go keeps them for long (see KeyMap). */
  readonly #commits: PendingCommit[] = []
  readonly #newest = new KeyMap<PendingCommit>()

  get commits(): readonly PendingCommit[] {
    return this.#commits
  }

  get isEmpty(): boolean {
    return this.#commits.length === 0
  }

  /** The last one that wrote this key. */
  newest(key: Key, hash: KeyHash): PendingCommit | undefined {
    return this.#newest.get(key, hash)
  }

  add(writes: WriteSet, follow: () => void): PendingCommit {
    const commit: PendingCommit = { writes, follow, waiting: [], isOver: false, fault: undefined }
    this.#commits.push(commit)
    this.#lay(commit)
    return commit
  }

  /** It is in the index; or with a fault never will be: what it has hidden is seen again. */
  settle(commit: PendingCommit, fault: Error | undefined): void {
    const { writes, follow } = commit
    if (this.#commits[0] === commit) this.#commits.shift()
    else this.#commits.splice(this.#commits.indexOf(commit), 1)
    commit.isOver = true
    commit.fault = fault
    // Those that stand on it keep it, and it would keep what it stands on: a chain that ends with the traffic alone.
    commit.writes = NO_WRITES
    commit.follow = nothing
    if (fault === undefined) {
      for (const { key, hash } of writes.all()) {
        if (this.#newest.get(key, hash) === commit) this.#newest.delete(key, hash)
      }
      follow()
    } else {
      this.#newest.clear()
      for (const each of this.#commits) this.#lay(each)
    }
    for (const done of commit.waiting) done()
  }

  /** Calls `fn` when all of these are over: now, or behind what follows the last of them and before what comes later. */
  static whenOver(commits: readonly PendingCommit[], fn: () => void): void {
    const last = commits.findLast(({ isOver }) => !isOver)
    if (last === undefined) fn()
    else last.waiting.push(() => PendingCommits.whenOver(commits, fn))
  }

  #lay(commit: PendingCommit): void {
    for (const { key, hash } of commit.writes.all()) this.#newest.set(key, hash, commit)
  }
}

const NO_WRITES = new WriteSet()
function nothing(): void {}
