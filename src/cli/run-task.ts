import type { ControlClient } from '../control/client.ts'
import { errorOf } from '../control/error-reply.ts'
import type { AnyRoute, CallInput } from '../control/route.ts'
import { showTask, stopTask } from '../control/routes/tasks.ts'
import { UserError } from '../errors/user-error.ts'
import { onInterrupt } from './exit.ts'
import { ProgressLine } from './progress-line.ts'

/** Keeps the process alive while nothing but the task does; when it fires does not matter. */
const ALIVE_MS = 60_000

/**
 * Begins a task, shows how far it is, and resolves with its result. Ctrl-C stops the task and waits until it has ended.
 * @param onNote what the task tells on its way
 * @throws UserError what the task failed with, or that it was stopped
 */
export async function runTask<T extends AnyRoute>(
  client: ControlClient,
  route: T,
  input: CallInput<T>,
  onNote: (note: Record<string, unknown>) => void = () => {},
): Promise<Record<string, unknown>> {
  const call = client.call.bind(client) as unknown as (route: T, input: object) => Promise<{ task: string }>
  const { task: id } = await call(route, input as object)
  const line = new ProgressLine(process.stderr)
  const release = onInterrupt(() => {
    line.say('Stopping …')
    void client.call(stopTask, { params: { id } }).catch(() => {})
  })
  const alive = setInterval(() => {}, ALIVE_MS)
  try {
    for (let after = 0; ; ) {
      const view = await client.call(showTask, { params: { id }, query: { after } })
      after = view.next
      if (view.notes.length > 0) line.clear()
      for (const note of view.notes) onNote(note)
      if (view.state === 'running') {
        if (view.progress !== null) line.show(view.progress)
        continue
      }
      line.clear()
      if (view.state === 'done') return (view.result ?? {}) as Record<string, unknown>
      if (view.state === 'failed' && view.error !== null) throw errorOf({ error: view.error })
      throw new UserError(`Stopped: ${view.error?.message ?? 'somebody stopped it'}.`)
    }
  } finally {
    clearInterval(alive)
    release()
    line.clear()
  }
}
