import type { AnyHook, Stage } from './hook.ts'

/** One registered handler, attributed to its plugin. */
export interface Handler {
  readonly plugin: string
  readonly stage: Stage
  readonly order: 'pre' | 'normal' | 'post'
  readonly timeoutMs: number
  readonly handle: (...args: unknown[]) => unknown
}

const ORDER = { pre: 0, normal: 1, post: 2 } as const

/** All handlers of a host, by hook, in the order they run. Registration ends with `freeze`. */
export class Handlers {
  readonly #byHook = new Map<string, Handler[]>()
  #isFrozen = false

  add(hook: AnyHook, handler: Handler): void {
    if (this.#isFrozen) {
      throw new Error(`${handler.plugin} registers on ${hook.id} after setup: hooks are registered in setup alone`)
    }
    const list = this.#byHook.get(hook.id) ?? []
    // A stable sort, so config order holds within pre, normal and post.
    this.#byHook.set(
      hook.id,
      [...list, handler].sort((a, b) => ORDER[a.order] - ORDER[b.order]),
    )
  }

  freeze(): void {
    this.#isFrozen = true
  }

  of(hook: AnyHook): readonly Handler[] {
    return this.#byHook.get(hook.id) ?? []
  }

  /** Everything that is registered, for `mailserver plugins order`. */
  entries(): IterableIterator<[string, readonly Handler[]]> {
    return this.#byHook.entries()
  }
}
