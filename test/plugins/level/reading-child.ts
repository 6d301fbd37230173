/** A thread that reads a key again and again, and counts how often it is told that there is none. */
import { parentPort, workerData } from 'node:worker_threads'
import { openDatabase } from '../../../plugins/level/engine/database.ts'
import { readValue } from '../../../plugins/level/engine/index-reader.ts'
import { layoutOf } from '../../../plugins/level/layout.ts'

const { root, key, missed } = workerData as { root: string; key: Uint8Array; missed: Int32Array }
const name = Buffer.from(key)
const db = await openDatabase(layoutOf(root), { cacheBytes: 1_000_000, writeBufferBytes: 1_000_000 })
parentPort?.postMessage('open')
await new Promise((resolve) => setImmediate(resolve))
for (;;) {
  let value: Buffer | undefined
  try {
    value = readValue(db, name)
  } catch {
    continue
  }
  if (value === undefined) Atomics.store(missed, 0, 1)
}
