import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '../kernel/clock.ts'
import { Bus } from './bus.ts'
import { packStartError } from './start-error.ts'
import { Worker } from './worker.ts'
import type { NoQuestions, SupervisorNews, WorkerNews, WorkerQuestions, WorkerStart } from './worker-messages.ts'

// The entry of a worker thread: connects the worker to the supervisor's questions.
const port = parentPort
if (port === null) throw new Error('this module is the entry of a worker thread')

const bus = new Bus<NoQuestions, WorkerNews, WorkerQuestions, SupervisorNews>(port, systemClock)
const worker = new Worker(workerData as WorkerStart, (event) => bus.tell('event', event))

bus.answer('start', async () => {
  try {
    return { ok: true, digest: await worker.start() }
  } catch (error) {
    return { ok: false, error: packStartError(error) }
  }
})
bus.answer('drain', async (order) => {
  await worker.drain(order)
  return null
})
bus.answer('stop', async () => {
  await worker.stop()
  // Nothing else keeps the thread alive; the answer is sent first.
  setImmediate(() => port.close())
  return null
})
bus.answer('report', () => worker.report())
bus.answer('metrics', () => worker.metrics())
bus.answer('control', (request) => worker.control(request))
bus.hear('watched', (isWatched) => {
  worker.isWatched = isWatched
})
bus.hear('reopenLog', () => worker.reopenLog())
