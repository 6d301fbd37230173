/** Ends threads that scan all the time, then closes the store. What they leave open would end this process. */
import { setTimeout as sleep } from 'node:timers/promises'
import { StoreWorker, supervise } from './worker-orders.ts'

const [dataDir, rounds] = process.argv.slice(2) as [string, string]
const supervised = await supervise(dataDir)
const { shared, workerExited, stop } = supervised
for (let worker = 0; worker < Number(rounds); worker++) {
  const scanning = await StoreWorker.open({ dataDir, shared, worker })
  void scanning.tell({ do: 'scan' })
  await sleep(5 + (worker % 7))
  await scanning.terminate(supervised)
  await workerExited?.(worker)
}
await stop?.()
