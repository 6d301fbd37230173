import { AggregatorRegistry, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client'
import type { ListenerView, ServerStatus, SessionView, WorkerReport, WorkerStatus } from '../control/server-status.ts'
import type { Generation } from './generation.ts'
import type { WorkerHandle } from './worker-handle.ts'

/** How long a worker may take to say how it is; one that is busier is left out. */
const READING_MS = 2_000

export interface Reading {
  readonly generation: Generation
  readonly worker: WorkerHandle
  readonly report: WorkerReport | undefined
}

/** Asks every worker how it is. One that does not answer in time has no report. */
export function readWorkers(generations: readonly Generation[]): Promise<readonly Reading[]> {
  const questions = generations.flatMap((generation) =>
    generation.workers.map(async (worker): Promise<Reading> => {
      const report = await worker.ask('report', null, READING_MS).catch(() => undefined)
      return { generation, worker, report }
    }),
  )
  return Promise.all(questions)
}

export function workerViews(readings: readonly Reading[]): WorkerStatus[] {
  return readings.map(({ generation, worker, report }) => ({
    number: worker.number,
    generation: worker.generation,
    state: worker.state,
    startedAt: worker.startedAt,
    sessions: report?.sessions.length ?? 0,
    heapBytes: report?.heapBytes ?? 0,
    crashes: generation.crashesOf(worker),
  }))
}

export function sessionViews(readings: readonly Reading[]): SessionView[] {
  return readings.flatMap(({ worker, report }) =>
    (report?.sessions ?? []).map((one) => ({ ...one, worker: worker.number, generation: worker.generation })),
  )
}

/** Each endpoint once, with the connections of all workers. */
export function listenerViews(readings: readonly Reading[]): ListenerView[] {
  const byAddress = new Map<string, ListenerView>()
  for (const { report } of readings) {
    for (const one of report?.listeners ?? []) {
      const key = `${one.protocol} ${one.address} ${one.tls}`
      const other = byAddress.get(key)
      byAddress.set(key, { ...one, connections: one.connections + (other?.connections ?? 0) })
    }
  }
  return [...byAddress.values()]
}

export function countByProtocol(readings: readonly Reading[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { protocol } of sessionViews(readings)) counts[protocol] = (counts[protocol] ?? 0) + 1
  return counts
}

/** Asks one worker for the state of the queue. */
export async function readQueue(worker: WorkerHandle | undefined): Promise<ServerStatus['queue']> {
  try {
    const answer = await worker?.ask('control', { method: 'GET', url: '/queue/summary', body: null }, READING_MS)
    if (answer?.status !== 200) return null
    const { paused, ...counts } = JSON.parse(answer.body) as {
      waiting: number
      held: number
      delivering: number
      paused: { all: boolean }
    }
    return { ...counts, paused: paused.all }
  } catch {
    // It is busy or has just ended: status says that the queue is not known.
    return null
  }
}

/** The metrics of the supervisor and all workers, added up, in the text format of Prometheus. */
export async function mergedMetrics(generations: readonly Generation[], own: Registry): Promise<string> {
  const questions = generations
    .flatMap(({ workers }) => workers)
    .map((worker) => worker.ask('metrics', null, READING_MS).catch(() => []))
  const all = await Promise.all([own.getMetricsAsJSON(), ...questions])
  return AggregatorRegistry.aggregate(all as MetricObjectWithValues<MetricValue<string>>[][]).metrics()
}
