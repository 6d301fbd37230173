import { MailError } from '../errors/mail-error.ts'
import type { Handler, Handlers } from './handlers.ts'
import {
  type AnyHook,
  type NotifyHook,
  type ResolveHook,
  STAGES,
  type TransformHook,
  type VerdictHook,
} from './hook.ts'
import type { Log } from './log.ts'
import { accept, defer, SEVERITY, stricter, type Verdict } from './verdict.ts'

/** What one handler did: the line it leaves in the journey. */
export interface Outcome {
  readonly plugin: string
  readonly hook: string
  readonly ms: number
  readonly verdict?: Verdict
  /** The message of what it threw, or that it timed out. */
  readonly fault?: string
}

/** The strictest opinion, and every one that was heard. */
export interface Decision {
  readonly verdict: Verdict
  readonly outcomes: readonly Outcome[]
}

export interface HookRunner {
  /** Does any plugin handle it? */
  isHandled(hook: AnyHook): boolean
  /**
   * Asks every handler, stage by stage; handlers of one stage run at the same time. A stage that ends in defer or
   * reject ends the round. A handler that throws or outlives its time counts as a defer.
   */
  verdict<I>(hook: VerdictHook<I>, input: I, signal?: AbortSignal): Promise<Decision>
  /** @throws MailError UNAVAILABLE when a handler throws or hangs before one has answered */
  resolve<I, O>(hook: ResolveHook<I, O>, input: I, signal?: AbortSignal): Promise<O | undefined>
  /** @throws MailError UNAVAILABLE when a handler throws or hangs; nothing half transformed is returned */
  transform<V, C>(hook: TransformHook<V, C>, value: V, context: C, signal?: AbortSignal): Promise<V>
  /** Resolves when every handler has ended; never rejects. */
  notify<I>(hook: NotifyHook<I>, input: I, signal?: AbortSignal): Promise<void>
}

export interface RunnerOptions {
  readonly handlers: Handlers
  readonly log: Log
  /** Plugins whose faults are ignored because the config says `onError: 'continue'` for them. */
  readonly continueOnError?: ReadonlySet<string>
  /** Hears of every handler that ran. */
  readonly onOutcome?: (outcome: Outcome) => void
}

const UNAVAILABLE = defer('4.3.0', 'Temporary local problem, try again later')
const NOBODY_ASKED: Promise<Decision> = Promise.resolve(Object.freeze({ verdict: accept(), outcomes: [] }))
const NOTHING: Promise<undefined> = Promise.resolve(undefined)
const NEVER = new AbortController().signal

export function createHookRunner({ handlers, log, continueOnError, onOutcome }: RunnerOptions): HookRunner {
  const fault = (hook: string, handler: Handler, started: number, cause: unknown): Outcome => {
    const outcome = { plugin: handler.plugin, hook, ms: performance.now() - started, fault: messageOf(cause) }
    log.error({ plugin: handler.plugin, hook, err: cause }, 'a plugin failed in a hook')
    onOutcome?.(outcome)
    return outcome
  }
  const done = (hook: string, handler: Handler, started: number, verdict?: Verdict): Outcome => {
    const base = { plugin: handler.plugin, hook, ms: performance.now() - started }
    const outcome = verdict === undefined ? base : { ...base, verdict }
    onOutcome?.(outcome)
    return outcome
  }

  async function opinion(hook: string, handler: Handler, input: unknown, signal: AbortSignal): Promise<Outcome> {
    const started = performance.now()
    try {
      return done(hook, handler, started, (await within(handler, [input], signal)) as Verdict | undefined)
    } catch (cause) {
      const outcome = fault(hook, handler, started, cause)
      return continueOnError?.has(handler.plugin) ? outcome : { ...outcome, verdict: UNAVAILABLE }
    }
  }

  return {
    isHandled: (hook) => handlers.of(hook).length > 0,

    // Not async functions: most hooks have no handler, and each message passes all of them.
    verdict(hook, input, signal = NEVER) {
      const registered = handlers.of(hook)
      return registered.length === 0 ? NOBODY_ASKED : ask(hook.id, registered, input, signal)
    },
    resolve(hook, input, signal = NEVER) {
      const registered = handlers.of(hook)
      return registered.length === 0 ? NOTHING : (firstAnswer(hook.id, registered, input, signal) as Promise<never>)
    },
    transform(hook, value, context, signal = NEVER) {
      const registered = handlers.of(hook)
      return registered.length === 0 ? Promise.resolve(value) : transformed(hook.id, registered, value, context, signal)
    },
    notify(hook, input, signal = NEVER) {
      const registered = handlers.of(hook)
      return registered.length === 0 ? NOTHING : tell(hook.id, registered, input, signal)
    },
  }

  async function ask(
    hook: string,
    registered: readonly Handler[],
    input: unknown,
    signal: AbortSignal,
  ): Promise<Decision> {
    let verdict: Verdict = accept()
    const outcomes: Outcome[] = []
    for (const stage of STAGES) {
      const inStage = registered.filter((handler) => handler.stage === stage)
      if (inStage.length === 0) continue
      for (const outcome of await Promise.all(inStage.map((handler) => opinion(hook, handler, input, signal)))) {
        outcomes.push(outcome)
        if (outcome.verdict !== undefined) verdict = stricter(verdict, outcome.verdict)
      }
      if (SEVERITY[verdict.action] >= SEVERITY.defer) break
    }
    return { verdict, outcomes }
  }

  async function firstAnswer(
    hook: string,
    registered: readonly Handler[],
    input: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    for (const handler of registered) {
      const started = performance.now()
      let answer: unknown
      try {
        answer = await within(handler, [input], signal)
      } catch (cause) {
        giveUpUnless(hook, handler, started, cause)
        continue
      }
      done(hook, handler, started)
      if (answer !== undefined) return answer
    }
    return undefined
  }

  async function transformed<V>(
    hook: string,
    registered: readonly Handler[],
    value: V,
    context: unknown,
    signal: AbortSignal,
  ): Promise<V> {
    let current = value
    for (const handler of registered) {
      const started = performance.now()
      try {
        current = (await within(handler, [current, context], signal)) as V
      } catch (cause) {
        giveUpUnless(hook, handler, started, cause)
        continue
      }
      done(hook, handler, started)
    }
    return current
  }

  /** Notes the fault. @throws MailError UNAVAILABLE unless the config says to go on without this plugin */
  function giveUpUnless(hook: string, handler: Handler, started: number, cause: unknown): void {
    fault(hook, handler, started, cause)
    if (continueOnError?.has(handler.plugin)) return
    throw new MailError('UNAVAILABLE', `${handler.plugin} failed in ${hook}`, { cause })
  }

  async function tell(
    hook: string,
    registered: readonly Handler[],
    input: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    await Promise.all(
      registered.map(async (handler) => {
        const started = performance.now()
        try {
          await within(handler, [input], signal)
          done(hook, handler, started)
        } catch (cause) {
          fault(hook, handler, started, cause)
        }
      }),
    )
  }
}

/** Calls the handler under its timeout and the caller's signal; one that answers at once costs neither timer nor promise. */
function within(handler: Handler, args: unknown[], signal: AbortSignal): unknown {
  signal.throwIfAborted()
  const controller = new AbortController()
  const answer = handler.handle(...args, controller.signal)
  return isPromise(answer) ? inTime(answer, handler.timeoutMs, controller, signal) : answer
}

/** The promise, or a rejection when it takes too long or the caller gives up. Leaves no timer behind. */
function inTime(
  answer: PromiseLike<unknown>,
  timeoutMs: number,
  controller: AbortController,
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer)
      if (signal !== NEVER) signal.removeEventListener('abort', onAbort)
    }
    const giveUp = (reason: unknown) => {
      end()
      reject(reason)
      controller.abort(reason)
    }
    const onAbort = () => giveUp(signal.reason)
    const timer = setTimeout(() => giveUp(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
    if (signal !== NEVER) signal.addEventListener('abort', onAbort, { once: true })
    answer.then(
      (value) => {
        end()
        resolve(value)
      },
      (cause) => {
        end()
        reject(cause)
      },
    )
  })
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
