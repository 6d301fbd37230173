import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { type BlobRef, type Log, prefixRange } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../src/kernel/log.ts'
import { dataDirectory, type OpenedStore, openStore } from './open-store.ts'
import { segmentsOf } from './store-files.ts'
import { checkMessages } from './traffic.ts'

const CHILD = join(import.meta.dirname, 'compact-child.ts')
const ROUNDS = Number(process.env.CRASH_ROUNDS ?? 3)
const { signal } = new AbortController()

/** Returns the last acknowledged number of each writer. */
async function killInCompaction(dataDir: string, encryption: string, afterMs: number): Promise<Map<number, number>> {
  const args = ['--conditions=source', '--no-warnings', CHILD, dataDir, encryption]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [output, errors] = ['', '']
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
  const lines = output.split('\n').slice(1, -1)
  return new Map(lines.map((line) => line.split(' ').map(Number) as [number, number]))
}

async function messageRefs(store: OpenedStore): Promise<Set<string>> {
  const refs = new Set<string>()
  for await (const batch of store.engine.scan(prefixRange('message'))) {
    for (const [, value] of batch) refs.add(value.toString())
  }
  return refs
}

describe('a process killed while it compacts', () => {
  for (const encryption of ['', 'ef'.repeat(32)]) {
    it(`loses nothing, and what it left behind is found and freed${encryption && ', encrypted'}`, async () => {
      using directory = dataDirectory()
      for (let round = 0; round < ROUNDS; round++) {
        const acknowledged = await killInCompaction(directory.path, encryption, 150 + ((round * 331) % 900))
        const errors: unknown[] = []
        const log: Log = { ...silentLog, error: (fields) => errors.push(fields), child: () => log }
        const options = { segmentSize: 400_000, ...(encryption !== '' && { encryption: { key: encryption } }) }
        await using store = await openStore(directory.path, { log, options })
        const counts = await checkMessages(store)
        for (const [writer, number] of acknowledged) expect(counts[writer]).toBeGreaterThan(number)
        const refs = await messageRefs(store)
        const isNeeded = async (asked: readonly BlobRef[]) => asked.map((ref) => refs.has(ref))
        const { freedBlobs } = await store.maintenance.freeOrphans({ signal, isNeeded })
        expect(freedBlobs).toBeGreaterThan(0)
        expect((await store.maintenance.freeOrphans({ signal, isNeeded })).freedBlobs).toBe(0)
        expect(await checkMessages(store)).toEqual(counts)
        await store.maintenance.compact({ signal })
        expect(await checkMessages(store)).toEqual(counts)
        for await (const damage of store.maintenance.check({ signal, repair: false })) errors.push(damage)
        expect(errors).toEqual([])
        const figures = new Map((await store.maintenance.stats()).map(({ name, value }) => [name, value]))
        expect(figures.get('dead_bytes')).toBeLessThan(500_000)
        const octets = segmentsOf(directory.path).reduce((sum, path) => sum + statSync(path).size, 0)
        expect(octets).toBeLessThan(1.3 * (figures.get('live_bytes') ?? 0) + 500_000)
      }
    }, 120_000)
  }
})

describe('a store that was closed', () => {
  it('has nothing left behind, and does not look for it', async () => {
    using directory = dataDirectory()
    for (let round = 0; round < 3; round++) {
      await using store = await openStore(directory.path)
      await store.blobStore.write(Buffer.from('needed by nobody'))
      const isNeeded = () => expect.fail('was asked')
      expect(await store.maintenance.freeOrphans({ signal, isNeeded })).toEqual({ freedBlobs: 0, freedBytes: 0 })
    }
  })
})
