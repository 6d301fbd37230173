import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { key } from 'mailserver'
import { openStore } from '../../plugins/level/open-store.ts'
import { serveJob } from './serve-job.ts'

/** Durable commits straight into the store's engine: a blob, and six keys that refer to it. */
export interface CommitsJob {
  readonly writers: number
  readonly bytes: number
  readonly ms: number
}

export interface CommitsResult {
  readonly commits: number
  readonly ms: number
  /** Of each commit, milliseconds. */
  readonly latencies: readonly number[]
}

const KEYS = 6
const VALUE_BYTES = 120
const WARM_UP_PART = 0.2

if (import.meta.main) await serveJob(commits)

async function commits({ writers, bytes, ms }: CommitsJob): Promise<CommitsResult> {
  const directory = mkdtempSync(join(tmpdir(), 'mailserver-bench-commits-'))
  try {
    await using store = await openStore(directory)
    const body = randomBytes(bytes)
    const value = randomBytes(VALUE_BYTES)
    const write = async (writer: number, n: number) => {
      const ref = await store.blobStore.write(body)
      await store.blobStore.durable(ref)
      await store.engine.transact([`writer:${writer}`], async (tx) => {
        for (let at = 0; at < KEYS; at++) tx.put(key('bench', at, writer, n), at === 0 ? Buffer.from(ref) : value)
      })
    }
    const round = async (from: number, forMs: number) => {
      const latencies: number[] = []
      const began = performance.now()
      const loop = async (writer: number) => {
        for (let n = from; performance.now() < began + forMs; n++) {
          const at = performance.now()
          await write(writer, n)
          latencies.push(performance.now() - at)
        }
      }
      await Promise.all(Array.from({ length: writers }, (_, writer) => loop(writer)))
      return { commits: latencies.length, ms: performance.now() - began, latencies }
    }
    await round(0, ms * WARM_UP_PART)
    return await round(1_000_000, ms)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
