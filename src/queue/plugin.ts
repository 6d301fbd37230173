import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { directory } from '../directory/directory.ts'
import { settled } from '../kernel/moments.ts'
import { definePlugin } from '../kernel/plugin.ts'
import { indexMessage } from '../mail/index-message.ts'
import { blobStore } from '../store/blob-store.ts'
import { engine } from '../store/engine.ts'
import { journeys } from '../store/journey.ts'
import { localDelivery } from '../store/local-delivery.ts'
import { composeReport } from './compose-report.ts'
import { queue } from './queue.ts'
import { Reports } from './reports.ts'
import { StoreQueue } from './store-queue.ts'

/** How often the claims of dead workers are looked for while the server runs. */
const RECOVER_MS = 60_000

/** Messages on their way to other servers, in the same store as the mailboxes. */
export const queuePlugin = definePlugin({
  name: 'queue',
  apiVersion: '^1',
  options: z.object({
    delaysMs: z.array(z.number().nonnegative()).min(1),
    jitter: z.number().min(0).max(1),
    lifetimeMs: z.number().positive(),
    warnAfterMs: z.number().positive(),
  }),
  needs: { engine, blobs: blobStore, directory, localDelivery, journeys },
  provides: { queue },
  setup({ options, services, server, run, jobs, log, clock }) {
    const reports = new Reports({
      blobs: services.blobs,
      directory: services.directory,
      localDelivery: services.localDelivery,
      journeys: services.journeys,
      compose: (content) => composeReport(server.hostname, content),
      index: indexMessage,
      enqueueIn: (tx, message, to) =>
        service.enqueueIn(
          tx,
          message,
          to.map((address) => ({ recipient: { address } })),
        ),
    })
    const service = new StoreQueue({
      engine: services.engine,
      journeys: services.journeys,
      reports,
      log,
      clock,
      schedule: options,
      owner: `${server.worker}-${randomUUID()}`,
      random: Math.random,
      onSettled: (attempt) => void run.notify(settled, attempt),
    })
    if (server.mode === 'serve') {
      jobs.every(RECOVER_MS, 'recover', async () => {
        const count = await service.recover()
        if (count > 0) log.info({ count }, 'entries of a worker that is gone are in the queue again')
      })
    }
    return {
      services: { queue: service },
      start: async () => {
        if (server.mode === 'serve') await service.start()
      },
      stop: () => service.stop(),
    }
  },
})
