import { type FSWatcher, watch } from 'node:fs'
import { join } from 'node:path'
import type { Estate } from './estate.ts'

/** Directories that all accounts together watch; beyond it changes are found by looking now and then. */
export class WatchBudget {
  #left: number

  constructor(limit: number) {
    this.#left = limit
  }

  take(): boolean {
    if (this.#left === 0) return false
    this.#left -= 1
    return true
  }

  give(): void {
    this.#left += 1
  }
}

/** Hears what other programs do in the directories of one account. */
export class Watches {
  readonly #estate: Estate
  readonly #budget: WatchBudget
  readonly #onChange: () => void
  readonly #watchers = new Map<string, FSWatcher>()
  /** Some directory could not be watched. */
  isPartial = false

  constructor(estate: Estate, budget: WatchBudget, onChange: () => void) {
    this.#estate = estate
    this.#budget = budget
    this.#onChange = onChange
  }

  /**
   * Watches what there is now, and no longer what is gone.
   * @returns whether something is watched for the first time: what was done there before is to be looked for
   */
  update(): boolean {
    const before = this.#watchers.size
    let hasNew = false
    const wanted = new Set([this.#estate.root])
    this.isPartial = false
    for (const folder of this.#estate.folders.values()) {
      for (const place of ['new', 'cur'] as const) {
        const path = join(folder.path, place)
        wanted.add(path)
        if (this.#watch(path, (name) => name === null || !folder.isOwn(place, name))) hasNew = true
      }
    }
    this.#watch(this.#estate.root, (name) => name === null || /^(?:\.[^.]|subscriptions$)/.test(name))
    for (const path of this.#watchers.keys()) if (!wanted.has(path)) this.#end(path)
    return hasNew && before > 0
  }

  close(): void {
    for (const path of [...this.#watchers.keys()]) this.#end(path)
  }

  /** @returns whether it is watched from now on */
  #watch(path: string, isForeign: (name: string | null) => boolean): boolean {
    if (this.#watchers.has(path)) return false
    if (!this.#budget.take()) {
      this.isPartial = true
      return false
    }
    try {
      const watcher = watch(path, { persistent: false }, (_kind, name) => {
        if (isForeign(name)) this.#onChange()
      })
      watcher.on('error', () => this.#end(path))
      this.#watchers.set(path, watcher)
      return true
    } catch {
      // Not there, or the system has no watches left: it is looked at now and then.
      this.#budget.give()
      this.isPartial = true
      return false
    }
  }

  #end(path: string): void {
    const watcher = this.#watchers.get(path)
    if (watcher === undefined) return
    this.#watchers.delete(path)
    this.#budget.give()
    watcher.close()
  }
}
