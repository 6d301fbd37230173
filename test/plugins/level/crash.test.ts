import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { key, type Log } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { eventually } from '../../support/peer.ts'
import { dataDirectory, openStore } from './open-store.ts'
import { checkMessages } from './traffic.ts'

const CHILD = join(import.meta.dirname, 'crash-child.ts')
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 6)

/** How many write to how many scopes. */
interface Traffic {
  readonly writers: number
  /** Messages under way at a time for each writer. */
  readonly lanes: number
  readonly segmentSize: number
}

const TRAFFIC: readonly (readonly [title: string, traffic: Traffic])[] = [
  ['small segments', { writers: 6, lanes: 1, segmentSize: 600_000 }],
  ['one segment', { writers: 6, lanes: 1, segmentSize: 256 * 1024 * 1024 }],
  ['small segments and one scope for all', { writers: 1, lanes: 10, segmentSize: 600_000 }],
  ['one segment and one scope for all', { writers: 1, lanes: 10, segmentSize: 256 * 1024 * 1024 }],
]

/** Runs traffic in a process of its own and kills it. Returns the last acknowledged number of each writer. */
async function killInTraffic(dataDir: string, afterMs: number, traffic: Traffic): Promise<Map<number, number>> {
  const { writers, lanes, segmentSize } = traffic
  const args = ['--conditions=source', '--no-warnings', CHILD, dataDir, ...[writers, lanes, segmentSize].map(String)]
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
  await eventually(() => output.split('\n').length > 12, 60_000)
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
  for (const [title, traffic] of TRAFFIC) {
    it(`loses nothing it acknowledged and leaves nothing half there: ${title}`, async () => {
      using directory = dataDirectory()
      let filed = 0
      for (let round = 0; round < ROUNDS; round++) {
        const acknowledged = await killInTraffic(directory.path, 20 + ((round * 83) % 300), traffic)
        const errors: unknown[] = []
        const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
        await using store = await openStore(directory.path, { log })
        const counts = await checkMessages(store)
        for (const [writer, number] of acknowledged) expect(counts[writer]).toBeGreaterThan(number)
        for (const writer of counts.keys()) {
          const flags = (await store.engine.get(key('flags', writer)))?.readUInt32BE() ?? 0
          expect(counts[writer]).toBeGreaterThanOrEqual(flags)
        }
        expect(errors).toEqual([])
        filed = counts.reduce((sum, count) => sum + count, 0)
      }
      expect(filed).toBeGreaterThan(ROUNDS * 9)
    }, 240_000)
  }
})
