/** Files messages, gives others up, and compacts all the while, until it is killed. Says what is acknowledged. */

import { openStore } from './open-store.ts'
import { fileMessage } from './traffic.ts'

const [dataDir, encryption] = process.argv.slice(2) as [string, string]
const store = await openStore(dataDir, {
  options: {
    segmentSize: 400_000,
    writeBufferSize: 200_000,
    compression: 'zstd',
    ...(encryption !== '' && { encryption: { key: encryption } }),
  },
})
process.stdout.write('open\n')
const { signal } = new AbortController()
const writers = Array.from({ length: 3 }, async (_, writer) => {
  for (let round = 0; ; round++) {
    const number = await fileMessage(store, writer, round % 5 === 0 ? 300_000 : 2_000 + round)
    process.stdout.write(`${writer} ${number}\n`)
  }
})
const waste = async () => {
  for (let round = 0; ; round++) {
    const ref = await store.blobStore.write(Buffer.alloc(round % 3 === 0 ? 200_000 : 6_000, round))
    if (round % 4 !== 0) await store.blobStore.release(ref)
  }
}
const compact = async () => {
  for (;;) await store.maintenance.compact({ signal })
}
await Promise.all([...writers, waste(), compact()])
