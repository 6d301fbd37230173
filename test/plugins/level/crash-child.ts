/** Files messages as fast as it can and says so once each is acknowledged, until it is killed. */

import { openStore } from './open-store.ts'
import { fileMessage } from './traffic.ts'

const [dataDir, writers, segmentSize] = process.argv.slice(2) as [string, string, string]
const store = await openStore(dataDir, { options: { segmentSize: Number(segmentSize), writeBufferSize: 200_000 } })
process.stdout.write('open\n')
await Promise.all(
  Array.from({ length: Number(writers) }, async (_, writer) => {
    for (let round = 0; ; round++) {
      const size = round % 7 === 0 ? 150_000 : 500 + round * 10
      const number = await fileMessage(store, writer, size)
      process.stdout.write(`${writer} ${number}\n`)
      await store.engine.transactRelaxed([`flags:${writer}`], async (tx) => {
        tx.put(Buffer.from(`flags/${writer}`), Buffer.from(String(number)))
      })
    }
  }),
)
