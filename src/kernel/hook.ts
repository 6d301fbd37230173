import type { Verdict } from './verdict.ts'

declare const types: unique symbol

type Awaitable<T> = T | Promise<T>

/** Order in which the stages of a verdict hook run; hooks of one stage run at the same time. */
export const STAGES = ['early', 'policy', 'scan', 'late'] as const
export type Stage = (typeof STAGES)[number]

interface HookBase {
  readonly id: string
  /** How long one handler may take, unless it says otherwise. */
  readonly timeoutMs: number
}

/** Every handler gives an opinion; the strictest wins; a handler that throws or hangs counts as a defer. */
export interface VerdictHook<I> extends HookBase {
  readonly kind: 'verdict'
  readonly [types]?: I
}
/** The first handler that answers decides; a handler that throws or hangs fails the question. */
export interface ResolveHook<I, O> extends HookBase {
  readonly kind: 'resolve'
  readonly [types]?: [I, O]
}
/** Each handler gets the value the one before returned; a handler that throws or hangs fails the whole. */
export interface TransformHook<V, C> extends HookBase {
  readonly kind: 'transform'
  readonly [types]?: [V, C]
}
/** All handlers run at once and nobody waits for their opinion; one that throws is logged and changes nothing. */
export interface NotifyHook<I> extends HookBase {
  readonly kind: 'notify'
  readonly [types]?: I
}

// biome-ignore lint/suspicious/noExplicitAny: the top of all hooks
export type AnyHook = VerdictHook<any> | ResolveHook<any, any> | TransformHook<any, any> | NotifyHook<any>

export type HandlerOf<H extends AnyHook> =
  H extends VerdictHook<infer I>
    ? (input: I, signal: AbortSignal) => Awaitable<Verdict | undefined>
    : H extends ResolveHook<infer I, infer O>
      ? (input: I, signal: AbortSignal) => Awaitable<O | undefined>
      : H extends TransformHook<infer V, infer C>
        ? (value: V, context: C, signal: AbortSignal) => Awaitable<V>
        : H extends NotifyHook<infer I>
          ? (input: I, signal: AbortSignal) => Awaitable<void>
          : never

export interface HandlerOptions {
  /** Verdict hooks only: the stage to run in. `policy` when absent. */
  readonly stage?: Stage
  /** Before (`pre`) or after (`post`) the other handlers; config order within each. */
  readonly order?: 'pre' | 'post'
  readonly timeoutMs?: number
}

interface HookOptions {
  readonly timeoutMs?: number
}

const DEFAULT_TIMEOUT_MS = 10_000

/** Defines a hook of one of the four kinds. `id` is `<area>:<moment>`. Third parties define their own the same way. */
export const defineHook = {
  verdict: <I>(id: string, options: HookOptions = {}): VerdictHook<I> =>
    Object.freeze({ kind: 'verdict' as const, id, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }),
  resolve: <I, O>(id: string, options: HookOptions = {}): ResolveHook<I, O> =>
    Object.freeze({ kind: 'resolve' as const, id, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }),
  transform: <V, C = undefined>(id: string, options: HookOptions = {}): TransformHook<V, C> =>
    Object.freeze({ kind: 'transform' as const, id, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }),
  notify: <I>(id: string, options: HookOptions = {}): NotifyHook<I> =>
    Object.freeze({ kind: 'notify' as const, id, timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS }),
}
