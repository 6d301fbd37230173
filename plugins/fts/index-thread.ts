import { parentPort } from 'node:worker_threads'
import { IndexFiles } from './index-files.ts'
import type { Answer, Request, ThrownAway } from './thread-messages.ts'

// SQLite works while its caller waits: here nobody waits but those who asked.
const port = parentPort
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
