/** Files messages as fast as it can and says so once each is acknowledged, until it is killed. */

import { key } from 'mailserver'
import { openStore } from './open-store.ts'
import { fileMessage } from './traffic.ts'

const [dataDir, writers, lanes, segmentSize] = process.argv.slice(2) as [string, string, string, string]
const store = await openStore(dataDir, { options: { segmentSize: Number(segmentSize), writeBufferSize: 200_000 } })
process.stdout.write('open\n')
await Promise.all(
  Array.from({ length: Number(writers) * Number(lanes) }, async (_, lane) => {
    const writer = lane % Number(writers)
    for (let round = 0; ; round++) {
      const size = round % 7 === 0 ? 150_000 : 500 + round * 10
      const number = await fileMessage(store, writer, size)
      process.stdout.write(`${writer} ${number}\n`)
      await store.engine.transactRelaxed([`writer:${writer}`], async (tx) => {
        const count = (await tx.get(key('count', writer))) as Buffer
        tx.put(key('flags', writer), count)
      })
    }
  }),
)
