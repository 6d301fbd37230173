import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { checkMessages } from './traffic.ts'

const CHILD = join(import.meta.dirname, 'crash-child.ts')
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 6)
const WRITERS = 6

/** Runs traffic in a process of its own and kills it. Returns the last acknowledged number of each writer. */
async function killInTraffic(dataDir: string, afterMs: number, segmentSize: number): Promise<Map<number, number>> {
  const args = ['--conditions=source', '--no-warnings', CHILD, dataDir, String(WRITERS), String(segmentSize)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  const opened = Promise.withResolvers<void>()
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk
    opened.resolve()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk
  })
  const closed = once(child, 'close')
  void closed.then(() => opened.reject(new Error(`the child ended by itself:\n${errors}`)))
  await opened.promise
  await new Promise((resolve) => setTimeout(resolve, afterMs))
  child.kill('SIGKILL')
  await closed
  if (errors !== '') throw new Error(errors)
  const acknowledged = new Map<number, number>()
  // The last line may have been cut short by the kill.
  for (const line of output.split('\n').slice(1, -1)) {
    const [writer, number] = line.split(' ').map(Number) as [number, number]
    acknowledged.set(writer, number)
  }
  return acknowledged
}

describe('a process killed in mid-traffic', () => {
  for (const segmentSize of [600_000, 256 * 1024 * 1024]) {
    it(`loses nothing it acknowledged and leaves nothing half there, segments of ${segmentSize}`, async () => {
      using directory = dataDirectory()
      let filed = 0
      for (let round = 0; round < ROUNDS; round++) {
        const acknowledged = await killInTraffic(directory.path, 20 + ((round * 83) % 300), segmentSize)
        const errors: unknown[] = []
        const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
        await using store = await openStore(directory.path, { log })
        const counts = await checkMessages(store)
        for (const [writer, number] of acknowledged) expect(counts[writer]).toBeGreaterThan(number)
        expect(errors).toEqual([])
        filed = counts.reduce((sum, count) => sum + count, 0)
      }
      expect(filed).toBeGreaterThan(ROUNDS * 10)
    }, 120_000)
  }
})
