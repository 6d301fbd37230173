import { z } from 'zod'
import type { Snapshot } from '../../../store/engine.ts'
import { type AccountStats, collectStats, type StoreStats } from '../../../store/stats/collect-stats.ts'
import { storeContext } from '../../../store/store-context.ts'
import { type StoreFigure, type StoreProgress, storeMaintenance } from '../../../store/store-maintenance.ts'
import { accountsIn } from '../../../store/verify/accounts-in.ts'
import { withSnapshot } from '../../../store/with-snapshot.ts'
import type { ControlContext } from '../../control-context.ts'
import { defineRoute } from '../../route.ts'
import type { TaskHandle } from '../../task-runner.ts'
import { addressParameter } from '../address-parameter.ts'
import { begunTask } from '../tasks.ts'
import { accountOf, addressesOf } from './accounts.ts'

/** What the task ends with: accounts by their addresses, and the figures of the driver when all were counted. */
export interface StatsView extends Omit<StoreStats, 'accounts'> {
  readonly accounts: readonly (Omit<AccountStats, 'account'> & { readonly account: string })[]
  readonly driver: readonly StoreFigure[]
}

export const statsRoute = defineRoute({
  method: 'POST',
  path: '/store/stats',
  summary: 'Begins to count what the store holds, by account, with the figures of the storage driver',
  body: z.strictObject({ account: addressParameter().optional() }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const account = body.account === undefined ? undefined : (await accountOf(context, body.account)).id
    const nameOf = await addressesOf(context)
    const { engine } = context.service(storeContext)
    const maintenance = context.optional(storeMaintenance)
    const work = async (snapshot: Snapshot, { signal, progress }: TaskHandle): Promise<StatsView> => {
      const accounts = account === undefined ? await accountsIn(snapshot, ['mail-account']) : [account]
      const { accounts: list, ...stats } = await collectStats(snapshot, accounts, { signal, onProgress: progress })
      return {
        ...stats,
        accounts: list.map(({ account: id, ...rest }) => ({ account: nameOf(id), ...rest })),
        driver: account === undefined ? [...((await maintenance?.stats()) ?? [])] : [],
      }
    }
    return context.tasks.begin((task) => withSnapshot(engine, (snapshot) => work(snapshot, task)))
  },
})

export const compactRoute = defineRoute({
  method: 'POST',
  path: '/store/compact',
  summary: 'Begins to give back the room of what is not needed any more',
  body: z.strictObject({}),
  response: begunTask,
  async run(context: ControlContext) {
    const maintenance = context.optional(storeMaintenance)
    return context.tasks.begin(async (task) => {
      if (maintenance === undefined) return { isNeeded: false, freedBytes: 0, movedBytes: 0, movedBlobs: 0 }
      const onProgress = ({ done, total }: StoreProgress) => task.progress({ phase: 'compacting', done, total })
      return { isNeeded: true, ...(await maintenance.compact({ signal: task.signal, onProgress })) }
    })
  },
})
