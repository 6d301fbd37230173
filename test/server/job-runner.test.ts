import { expect, test } from 'vitest'
import { silentLog } from '../../src/kernel/log.ts'
import { JobRunner } from '../../src/server/job-runner.ts'
import { fakeClock } from '../../src/testing/fake-clock.ts'
import { memoryEngine } from '../../src/testing/memory-engine.ts'

const SECOND = 1_000

test('a job runs once an interval on one worker of many, and on another when that one has gone', async () => {
  const engine = memoryEngine()
  const clock = fakeClock()
  const runs: string[] = []
  const workers = ['first', 'second'].map((name) => {
    const runner = new JobRunner(clock, silentLog)
    runner.for('tidy').every(10 * SECOND, 'sweep', async () => void runs.push(name))
    runner.start(engine)
    return { name, runner }
  })
  await clock.advance(10 * SECOND)
  expect(runs).toHaveLength(1)
  await clock.advance(30 * SECOND)
  expect(new Set(runs).size).toBe(1)
  expect(runs.length).toBeGreaterThanOrEqual(3)

  const [holder] = runs
  await workers.find(({ name }) => name === holder)?.runner.stop()
  await clock.advance(20 * SECOND)
  expect(runs.at(-1)).not.toBe(holder)
  await Promise.all(workers.map(({ runner }) => runner.stop()))
})

test('a job that fails is logged with its plugin, and runs again at its next turn', async () => {
  const clock = fakeClock()
  const logged: object[] = []
  const log = { ...silentLog, error: (fields: object) => void logged.push(fields) }
  const runner = new JobRunner(clock, log)
  let runs = 0
  runner.for('tidy').every(SECOND, 'sweep', async () => {
    runs++
    if (runs === 1) throw new Error('no luck')
  })
  runner.start(memoryEngine())
  await clock.advance(SECOND)
  await clock.advance(SECOND)
  expect(runs).toBe(2)
  expect(logged).toEqual([{ plugin: 'tidy', job: 'sweep', err: new Error('no luck') }])
  await runner.stop()
})

test('a stop tells a running job to end, and waits for it', async () => {
  const clock = fakeClock()
  const runner = new JobRunner(clock, silentLog)
  let hasEnded = false
  runner.for('tidy').every(SECOND, 'sweep', async (signal) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve))
    hasEnded = true
  })
  runner.start(memoryEngine())
  await clock.advance(SECOND)
  await runner.stop()
  expect(hasEnded).toBe(true)
})

test('two jobs of one name, and an interval that is none, are refused', () => {
  const jobs = new JobRunner(fakeClock(), silentLog).for('tidy')
  jobs.every(SECOND, 'sweep', async () => {})
  expect(() => jobs.every(SECOND, 'sweep', async () => {})).toThrow(/registered twice/)
  expect(() => jobs.every(0, 'other', async () => {})).toThrow(/above 0 ms/)
})
