import { z } from 'zod'

export const listener = z.object({
  protocol: z.string(),
  address: z.string(),
  tls: z.boolean(),
  connections: z.number(),
})

export const session = z.object({
  id: z.string(),
  protocol: z.string(),
  remoteAddress: z.string(),
  openedAt: z.number(),
  account: z.string().nullable(),
  state: z.string(),
  tls: z.boolean(),
  worker: z.number(),
  generation: z.number(),
})

const workerState = z.enum(['starting', 'running', 'draining', 'stopping', 'restarting'])

export const workerStatus = z.object({
  number: z.number(),
  generation: z.number(),
  state: workerState,
  startedAt: z.number(),
  sessions: z.number(),
  heapBytes: z.number(),
  crashes: z.number().describe('Times that this place had to be filled anew since the start'),
})

const certificate = z.object({
  fingerprint: z.string(),
  isSelfSigned: z.boolean(),
  certFile: z.string().nullable(),
})

export const serverStatus = z.object({
  state: z.enum(['starting', 'running', 'reloading', 'restarting', 'stopping']),
  version: z.string(),
  pid: z.number(),
  hostname: z.string(),
  configFile: z.string(),
  dataDir: z.string(),
  startedAt: z.number().describe('Milliseconds since the epoch'),
  uptimeMs: z.number(),
  generation: z.number().describe('Rises by one with each reload'),
  workers: z.array(workerStatus),
  listeners: z.array(listener),
  certificate: certificate.nullable(),
  sessions: z.record(z.string(), z.number()).describe('Sessions in progress by protocol'),
  queue: z
    .object({ waiting: z.number(), held: z.number(), delivering: z.number(), paused: z.boolean() })
    .nullable()
    .describe('null when no plugin keeps a queue, or it does not answer'),
  problems: z.array(z.string()).describe('What an operator should look at, e.g. a worker that crashes again and again'),
})

export type ServerStatus = z.output<typeof serverStatus>
export type SessionView = z.output<typeof session>
export type ListenerView = z.output<typeof listener>
export type WorkerStatus = z.output<typeof workerStatus>

/** What a worker says of itself when the supervisor asks. */
export interface WorkerReport {
  readonly listeners: readonly ListenerView[]
  readonly sessions: readonly Omit<SessionView, 'worker' | 'generation'>[]
  readonly certificate: ServerStatus['certificate']
  readonly heapBytes: number
}
