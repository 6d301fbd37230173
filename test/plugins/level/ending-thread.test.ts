import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { text } from 'node:stream/consumers'
import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import type { Database } from '../../../plugins/level/engine/database.ts'
import { readValue, readValues } from '../../../plugins/level/engine/index-reader.ts'
import { DELETIONS } from '../../../plugins/level/engine/private-keys.ts'
import { dataDirectory, openStore } from './open-store.ts'

const KEY = Buffer.from('key')
/** On an idle machine a thread that reads all the time meets the moment in one of fifteen ends. */
const ROUNDS = Number(process.env.ENDING_ROUNDS ?? 6)

/** The driver on a thread that was told to end: it answers, but finds nothing. */
const ending = { getSync: () => undefined } as unknown as Database
const running = { getSync: (key: Buffer) => (key.equals(DELETIONS) ? key : undefined) } as unknown as Database

describe('a thread that is being ended', () => {
  it('is never told that something is missing', async () => {
    expect(readValue(running, KEY)).toBeUndefined()
    expect(await readValues(running, [KEY])).toEqual([undefined])
    expect(() => readValue(ending, KEY)).toThrow('being ended')
    await expect(readValues(ending, [KEY])).rejects.toMatchObject({ code: 'UNAVAILABLE' })
  })

  it(
    'reads what is there, to its last moment',
    async () => {
      using directory = dataDirectory()
      await using store = await openStore(directory.path)
      await store.engine.transact(['s'], async (tx) => tx.put(KEY, Buffer.from('value')))
      const missed = new Int32Array(new SharedArrayBuffer(4))
      for (let round = 0; round < ROUNDS; round++) {
        const worker = new Worker(join(import.meta.dirname, 'reading-child.ts'), {
          workerData: { root: join(directory.path, 'store'), key: KEY, missed },
          execArgv: ['--conditions=source', '--no-warnings'],
        })
        await new Promise((resolve) => worker.once('message', resolve))
        await new Promise((resolve) => setTimeout(resolve, 4))
        await worker.terminate()
      }
      expect(missed[0]).toBe(0)
    },
    20_000 + ROUNDS * 1_000,
  )

  it(
    'leaves no iterator open, which would end the process with an assertion when the store is closed',
    async () => {
      using directory = dataDirectory()
      const child = join(import.meta.dirname, 'ending-child.ts')
      const args = ['--conditions=source', '--no-warnings', child, directory.path, String(ROUNDS * 3)]
      const process = spawn(execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
      const [said, [code]] = await Promise.all([text(process.stderr), once(process, 'close')])
      expect({ said, code }).toEqual({ said: '', code: 0 })
    },
    20_000 + ROUNDS * 3_000,
  )
})
