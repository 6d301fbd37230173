import { createInterface } from 'node:readline'

/** Between the parts of a job: says that it is ready, and waits for `go`. */
export type Pause = () => Promise<void>

/** The main function of a load generator: reads its job from standard input and prints what `work` returns. */
export async function serveJob<Job>(work: (job: Job, pause: Pause) => Promise<object>): Promise<void> {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  try {
    const first = await lines.next()
    const began = performance.now()
    const before = process.cpuUsage()
    const pause = async () => {
      process.stdout.write('ready\n')
      await lines.next()
    }
    const result = await work(JSON.parse(String(first.value)) as Job, pause)
    const { user, system } = process.cpuUsage(before)
    const clientShare = (user + system) / 1000 / (performance.now() - began)
    process.stdout.write(`${JSON.stringify({ ...result, clientShare })}\n`, () => process.exit(0))
  } catch (error) {
    process.stderr.write(`${(error as Error).message.replaceAll('\n', ' ')}\n`, () => process.exit(1))
  }
}
