import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** What every load generator tells of itself. */
export interface LoadFacts {
  /** Processor time of the generator by its wall time: near 1 it may be what limits. */
  readonly clientShare: number
}

const TIMEOUT_MS = 600_000
/**
 * A generator that stops to collect its own garbage would time that as well, and four threads that help it do so would take
 * the processors from whom it measures.
 */
const QUIET = ['--min-semi-space-size=256', '--max-semi-space-size=256', '--v8-pool-size=1']

/** A load generator that runs in a process of its own. */
export interface Load<Out> {
  readonly result: Promise<Out & LoadFacts>
  /** Resolves when it has said that it is ready for `go`; it waits. */
  readonly ready: Promise<void>
  go(): void
}

/** Starts a load generator of this directory on a job. */
export function startLoad<Out>(name: string, job: object): Load<Out> {
  const file = fileURLToPath(new URL(name, import.meta.url))
  const child = spawn(
    '/bin/sh',
    ['-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'sh', process.execPath, ...QUIET, '--conditions=source', file],
    { stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS },
  )
  const ready = Promise.withResolvers<void>()
  let output = ''
  let errors = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
    if (output.startsWith('ready\n')) ready.resolve()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  child.stdin.on('error', () => {
    // It ended before it read everything; its exit code tells.
  })
  child.stdin.write(`${JSON.stringify(job)}\n`)
  const end = async () => {
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) ?? `${name} ended with ${code}`)
    return JSON.parse(output.slice(output.indexOf('{'))) as Out & LoadFacts
  }
  const result = end()
  result.catch((error: Error) => ready.reject(error))
  ready.promise.catch(() => {
    // Whoever waits for the result hears of it there.
  })
  return { result, ready: ready.promise, go: () => void child.stdin.write('go\n') }
}

export const runLoad = <Out>(name: string, job: object): Promise<Out & LoadFacts> => startLoad<Out>(name, job).result
