import { directory } from '../directory/directory.ts'
import { definePlugin } from '../kernel/plugin.ts'
import { dns } from '../net/listeners.ts'
import { ReverseNames } from '../net/reverse-names.ts'
import { queue } from '../queue/queue.ts'
import { blobStore } from '../store/blob-store.ts'
import { engine } from '../store/engine.ts'
import { journeys } from '../store/journey.ts'
import { localDelivery } from '../store/local-delivery.ts'
import { mailStore } from '../store/mail-store.ts'
import { CoreIntake } from './core-intake.ts'
import { HoldBudget } from './hold-budget.ts'
import { intake } from './intake.ts'
import { intakeMetrics } from './intake-metrics.ts'
import { intakeOptions } from './intake-options.ts'

/** The way of a message from "connection opened" to "250 committed". */
export const intakePlugin = definePlugin({
  name: 'intake',
  apiVersion: '^1',
  options: intakeOptions,
  needs: { engine, blobs: blobStore, mailStore, directory, queue, localDelivery, journeys, dns },
  provides: { intake },
  setup({ options, services, server, run, log, clock, metrics }) {
    const budget = new HoldBudget(options.holdTotalBytes)
    const reverseNames = new ReverseNames(services.dns, clock)
    const core = {
      ...services,
      reverseNames,
      server,
      run,
      log,
      clock,
      options,
      budget,
      metrics: intakeMetrics(metrics),
    }
    return { services: { intake: new CoreIntake(core) } }
  },
})
