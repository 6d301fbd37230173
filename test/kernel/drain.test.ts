import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/kernel/clock.ts'
import { Host } from '../../src/kernel/host.ts'
import { silentLog } from '../../src/kernel/log.ts'
import { noMetrics } from '../../src/kernel/metrics.ts'
import { type ConfiguredPlugin, type DrainReason, definePlugin } from '../../src/kernel/plugin.ts'
import { defineService } from '../../src/kernel/service.ts'

const store = defineService<object>('test:store')
const options = z.object({})

function hostOf(plugins: readonly ConfiguredPlugin[]): Host {
  return new Host({
    plugins,
    server: {
      hostname: 'mail.example.test',
      dataDir: '/nonexistent',
      configDir: '/nonexistent',
      worker: 0,
      workers: 1,
      mode: 'serve',
      limits: { messageBytes: 1, recipients: 1 },
    },
    log: silentLog,
    clock: systemClock,
    jobsFor: () => ({ every() {} }),
    metricsFor: () => noMetrics,
  })
}

test('a plugin whose sessions go on does not keep others from closing their ports, and what it needs stays', async () => {
  const log: string[] = []
  const idle = Promise.withResolvers<void>()
  const keeper = definePlugin({
    name: 'keeper',
    apiVersion: '^1',
    options,
    provides: { store },
    setup: () => ({ services: { store: {} }, drain: () => void log.push('store') }),
  })
  const imap = definePlugin({
    name: 'imap',
    apiVersion: '^1',
    options,
    needs: { store },
    setup: () => ({
      drain: async (_: AbortSignal, reason: DrainReason) => {
        log.push(`imap closes its port for ${reason}`)
        await idle.promise
        log.push('imap sessions have ended')
      },
    }),
  })
  const smtp = definePlugin({
    name: 'smtp',
    apiVersion: '^1',
    options,
    needs: { store },
    setup: () => ({
      drain: () => {
        log.push('smtp closes its port')
        throw new Error('a fault here is logged, and changes nothing')
      },
    }),
  })
  const host = hostOf([smtp(), imap(), keeper()])
  await host.setup()
  await host.start()
  const draining = host.drain(new AbortController().signal, 'reload')
  await new Promise((resolve) => setImmediate(resolve))
  expect(log.toSorted()).toEqual(['imap closes its port for reload', 'smtp closes its port'])
  idle.resolve()
  await draining
  expect(log.slice(2)).toEqual(['imap sessions have ended', 'store'])
})
