import { randomBytes } from 'node:crypto'
import { MailError } from '../errors/mail-error.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Progress } from '../store/progress.ts'
import { type ErrorBody, errorReply } from './error-reply.ts'

/** Nobody has asked for this long: whoever began the task is gone, and it ends. */
const ABANDONED_MS = 60_000
/** Progress alone is told no more often. */
const TELL_MS = 200
/** Notes that wait to be read; work that makes more waits for its reader. */
const MAX_NOTES = 5_000
const MAX_TASKS = 16

/** What the work of a task is given. */
export interface TaskHandle {
  /** Fires when somebody stops the task, its reader has gone, or the server ends. */
  readonly signal: AbortSignal
  progress(progress: Progress): void
  /** Tells the reader one thing. Waits while the reader lags far behind. */
  note(note: object): Promise<void>
}

export interface TaskView {
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly progress: Progress | null
  readonly notes: readonly object[]
  /** What to ask with next. */
  readonly next: number
  readonly result: unknown
  readonly error: ErrorBody['error'] | null
}

interface Task {
  readonly stop: AbortController
  readonly finished: Promise<void>
  readonly notes: object[]
  /** Number of the first note that is kept. */
  first: number
  state: TaskView['state']
  progress: Progress | null
  /** Counts what a reader has not seen yet. */
  version: number
  readAt: number
  result: unknown
  error: ErrorBody['error'] | null
  changed: PromiseWithResolvers<void>
}

/**
 * Work that takes longer than a request may. A request begins it and gets its name; others ask how far it is, and stop
 * it. The name says which worker has it, so that the supervisor asks the right one.
 */
export class TaskRunner {
  readonly #worker: number
  readonly #clock: Clock
  readonly #tasks = new Map<string, Task>()

  constructor(worker: number, clock: Clock) {
    this.#worker = worker
    this.#clock = clock
  }

  /** Number of the worker that has the task; undefined when it is no name of a task. */
  static workerOf(id: string): number | undefined {
    const match = /^w(\d+)-/.exec(id)
    return match === null ? undefined : Number(match[1])
  }

  /** Begins the work and returns at once. @throws MailError LIMIT_REACHED */
  begin(work: (task: TaskHandle) => Promise<unknown>): { readonly task: string } {
    if (this.#tasks.size >= MAX_TASKS) throw new MailError('LIMIT_REACHED', 'too many tasks run already')
    const id = `w${this.#worker}-${randomBytes(9).toString('base64url')}`
    const finished = Promise.withResolvers<void>()
    const task: Task = {
      stop: new AbortController(),
      finished: finished.promise,
      notes: [],
      first: 0,
      state: 'running',
      progress: null,
      version: 0,
      readAt: this.#clock.now(),
      result: null,
      error: null,
      changed: Promise.withResolvers(),
    }
    this.#tasks.set(id, task)
    task.stop.signal.addEventListener('abort', () => wake(task))
    this.#watchReader(id, task)
    void this.#run(task, work).finally(finished.resolve)
    return { task: id }
  }

  /**
   * @param after what the last answer said as `next`; 0 at first
   * @param waitMs answers at once when there is news, and at the latest after this
   * @throws MailError NOT_FOUND
   */
  async look(id: string, after: number, waitMs: number): Promise<TaskView> {
    const task = this.#task(id)
    task.readAt = this.#clock.now()
    // What was told by the last answer need not be kept.
    const seen = Math.max(0, Math.min(after - task.first, task.notes.length))
    task.notes.splice(0, seen)
    task.first += seen
    if (seen > 0) wake(task)
    const until = this.#clock.now() + waitMs
    if (task.notes.length === 0 && task.state === 'running') {
      const { version } = task
      while (task.version === version && task.state === 'running' && this.#clock.now() < until) {
        const timer = Promise.withResolvers<void>()
        const cancel = this.#clock.after(until - this.#clock.now(), timer.resolve)
        await Promise.race([task.changed.promise, timer.promise])
        cancel()
      }
      if (task.state === 'running' && task.notes.length === 0) {
        const pause = Promise.withResolvers<void>()
        this.#clock.after(TELL_MS, pause.resolve)
        await Promise.race([pause.promise, task.finished])
      }
    }
    const { state, progress, notes, first, result, error } = task
    const view = { state, progress, notes: [...notes], next: first + notes.length, result, error }
    task.readAt = this.#clock.now()
    return view
  }

  /** Tells it to end; it says `stopped` when it has. @throws MailError NOT_FOUND */
  stop(id: string): void {
    this.#task(id).stop.abort(new MailError('UNAVAILABLE', 'the task was stopped'))
  }

  /** Resolves when nothing runs any more, or the signal fires. */
  async idle(signal: AbortSignal): Promise<void> {
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([aborted, Promise.all([...this.#tasks.values()].map(({ finished }) => finished))])
  }

  /** Ends all, and resolves when they have ended. */
  async close(reason: string): Promise<void> {
    const tasks = [...this.#tasks.values()]
    for (const { stop } of tasks) stop.abort(new MailError('UNAVAILABLE', reason))
    await Promise.all(tasks.map(({ finished }) => finished))
  }

  async #run(task: Task, work: (task: TaskHandle) => Promise<unknown>): Promise<void> {
    const { signal } = task.stop
    try {
      task.result = await work({
        signal,
        progress: (progress) => {
          task.progress = progress
          wake(task)
        },
        note: async (note) => {
          while (task.notes.length >= MAX_NOTES && !signal.aborted) await task.changed.promise
          task.notes.push(note)
          wake(task)
        },
      })
      task.state = 'done'
    } catch (error) {
      task.state = signal.aborted ? 'stopped' : 'failed'
      task.error = errorReply(signal.aborted ? signal.reason : error).body.error
    }
    wake(task)
  }

  #watchReader(id: string, task: Task): void {
    this.#clock.after(ABANDONED_MS / 2, () => {
      if (this.#clock.now() - task.readAt < ABANDONED_MS) return this.#watchReader(id, task)
      task.stop.abort(new MailError('UNAVAILABLE', 'whoever began the task has gone'))
      void task.finished.then(() => this.#tasks.delete(id))
    })
  }

  #task(id: string): Task {
    const task = this.#tasks.get(id)
    if (task === undefined) throw new MailError('NOT_FOUND', `there is no task ${id}: it has ended, or its worker has`)
    return task
  }
}

function wake(task: Task): void {
  task.version++
  const { changed } = task
  task.changed = Promise.withResolvers()
  changed.resolve()
}
