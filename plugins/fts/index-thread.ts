import { getPriority, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { IndexFiles } from './index-files.ts'
import type { Role } from './index-worker.ts'
import type { Answer, Request, ThrownAway } from './thread-messages.ts'

/** The `nice` of what may wait. */
const LATER = 10

// SQLite works while its caller waits: here nobody waits but those who asked.
const port = parentPort
// Of a processor that others want all of, a tenth: mail that comes is more urgent than what is made of it afterwards.
// Elsewhere than on Linux it would be the priority of the whole process.
if ((workerData as Role) === 'writer' && process.platform === 'linux') {
  setPriority(Math.max(LATER, getPriority()))
}
const files = new IndexFiles((path, reason) => port?.postMessage({ path, reason } satisfies ThrownAway))

port?.on('message', (request: Request | 'close') => {
  if (request === 'close') {
    files.close()
    port.close()
    return
  }
  const { number, path, operation, args } = request
  let answer: Answer
  try {
    answer = { number, value: files.run(path, operation, args) }
  } catch (error) {
    answer = { number, error: error instanceof Error ? error.message : String(error) }
  }
  port.postMessage(answer)
})
