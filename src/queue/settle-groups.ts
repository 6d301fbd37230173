import type { Settled, Settling } from './settlement.ts'

/** Settlements that share a commit at most. */
const MAX_GROUP = 64

interface Waiting extends Settling {
  readonly resolve: (settled: readonly Settled[] | undefined) => void
  readonly reject: (reason: unknown) => void
}

/** Settlements that come while a commit is on its way share the next one. */
export class SettleGroups {
  readonly #commit: (group: readonly Settling[]) => Promise<readonly (readonly Settled[] | undefined)[]>
  readonly #waiting: Waiting[] = []
  #isBusy = false

  /** @param commit settles those of a group that it can or, when it throws, none */
  constructor(commit: (group: readonly Settling[]) => Promise<readonly (readonly Settled[] | undefined)[]>) {
    this.#commit = commit
  }

  /** Resolves when it is committed; undefined: it must be run by itself. @throws what the commit throws */
  add(settling: Settling): Promise<readonly Settled[] | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ...settling, resolve, reject })
      if (!this.#isBusy) void this.#run()
    })
  }

  async #run(): Promise<void> {
    this.#isBusy = true
    // What ends in the same turn goes together.
    await undefined
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, MAX_GROUP)
      try {
        const settled = await this.#commit(group)
        for (const [at, { resolve }] of group.entries()) resolve(settled[at])
      } catch (reason) {
        for (const { reject } of group) reject(reason)
      }
    }
    this.#isBusy = false
  }
}
