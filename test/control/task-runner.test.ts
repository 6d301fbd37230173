import { setImmediate as nextTurn } from 'node:timers/promises'
import { fakeClock } from 'mailserver/testing'
import { expect, test } from 'vitest'
import { TaskRunner } from '../../src/control/task-runner.ts'
import { MailError } from '../../src/errors/mail-error.ts'
import { systemClock } from '../../src/kernel/clock.ts'

test('a task tells its progress, its notes once, and its result', async () => {
  const tasks = new TaskRunner(3, systemClock)
  const go = Promise.withResolvers<void>()
  const { task } = tasks.begin(async ({ progress, note }) => {
    progress({ phase: 'counting', done: 1, total: 2 })
    await note({ found: 'a' })
    await note({ found: 'b' })
    await go.promise
    await note({ found: 'c' })
    return { sum: 3 }
  })
  expect(TaskRunner.workerOf(task)).toBe(3)
  await nextTurn()
  const first = await tasks.look(task, 0, 1_000)
  expect(first).toMatchObject({
    state: 'running',
    progress: { phase: 'counting', done: 1, total: 2 },
    notes: [{ found: 'a' }, { found: 'b' }],
    next: 2,
  })
  expect((await tasks.look(task, 1, 1_000)).notes).toEqual([{ found: 'b' }])
  go.resolve()
  await nextTurn()
  const last = await tasks.look(task, 2, 1_000)
  expect(last.notes).toEqual([{ found: 'c' }])
  expect(await tasks.look(task, 3, 1_000)).toMatchObject({ state: 'done', notes: [], result: { sum: 3 } })
  await expect(tasks.look('w3-none', 0, 0)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('a task says what it failed with, and that it was stopped', async () => {
  const tasks = new TaskRunner(0, systemClock)
  const failing = tasks.begin(async () => {
    throw new MailError('OVER_QUOTA', 'there is no room')
  })
  expect(await tasks.look(failing.task, 0, 1_000)).toMatchObject({
    state: 'failed',
    error: { code: 'OVER_QUOTA', message: 'there is no room' },
  })
  const endless = tasks.begin(({ signal }) => systemClock.sleep(1e9, signal))
  tasks.stop(endless.task)
  expect(await tasks.look(endless.task, 0, 1_000)).toMatchObject({ state: 'stopped' })
})

test('a task whose reader has gone is stopped, and one that makes too many notes waits', async () => {
  const clock = fakeClock()
  const tasks = new TaskRunner(0, clock)
  let noted = 0
  const { task } = tasks.begin(async ({ note, signal }) => {
    while (!signal.aborted) {
      await note({ at: noted })
      noted += 1
    }
    signal.throwIfAborted()
  })
  await nextTurn()
  const { notes } = await tasks.look(task, 0, 0)
  expect(notes).toHaveLength(5_000)
  expect(noted).toBe(5_000)
  await clock.advance(30_000)
  await clock.advance(31_000)
  await clock.advance(31_000)
  await expect(tasks.look(task, 0, 0)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})
