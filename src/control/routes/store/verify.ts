import { z } from 'zod'
import { directoryCheck } from '../../../directory/verify-directory.ts'
import { queueCheck } from '../../../queue/verify-queue.ts'
import { storeContext } from '../../../store/store-context.ts'
import { type StoreProgress, storeMaintenance } from '../../../store/store-maintenance.ts'
import { verifyStore } from '../../../store/verify/verify-store.ts'
import type { ControlContext } from '../../control-context.ts'
import { defineRoute } from '../../route.ts'
import { addressParameter } from '../address-parameter.ts'
import { begunTask } from '../tasks.ts'
import { accountOf, addressesOf } from './accounts.ts'

/** One damage, as the task tells it. */
export interface FindingView {
  readonly kind: string
  readonly account: string | null
  readonly mailbox: string | null
  readonly uid: number | null
  readonly text: string
  readonly canRepair: boolean
  readonly repaired: string | null
  readonly failed: string | null
}

export const verifyRoute = defineRoute({
  method: 'POST',
  path: '/store/verify',
  summary: 'Begins a check of every record and every byte of the store; a task that notes each damage',
  body: z.strictObject({
    account: addressParameter().optional(),
    repair: z.boolean().default(false),
    blobs: z.boolean().default(true).describe('Read every message through'),
    moveDamagedTo: z.string().min(1).optional().describe('Mailbox that messages with damaged bytes are moved to'),
  }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const { repair, blobs, moveDamagedTo } = body
    const account = body.account === undefined ? undefined : (await accountOf(context, body.account)).id
    const nameOf = await addressesOf(context)
    const store = context.service(storeContext)
    const maintenance = context.optional(storeMaintenance)
    return context.tasks.begin(async (task) => {
      const found = { damages: 0, repaired: 0 }
      const note = (finding: FindingView) => {
        found.damages += 1
        if (finding.repaired !== null) found.repaired += 1
        return task.note(finding)
      }
      if (account === undefined && maintenance !== undefined) {
        const progress = ({ done, total }: StoreProgress) => task.progress({ phase: 'storage files', done, total })
        for await (const damage of maintenance.check({ repair, signal: task.signal, onProgress: progress })) {
          const { file, offset, meaning, isRepaired } = damage
          await note({
            kind: 'storage',
            account: null,
            mailbox: null,
            uid: null,
            text: `${file}${offset === undefined ? '' : ` at octet ${offset}`}: ${meaning}`,
            canRepair: isRepaired,
            repaired: isRepaired ? 'put right, or made harmless' : null,
            failed: null,
          })
        }
      }
      const options = { account, repair, blobs, moveDamagedTo, rooms: [directoryCheck, queueCheck] }
      const seen = await verifyStore(
        store,
        { ...options, signal: task.signal, onProgress: task.progress },
        ({ account: id, mailbox, uid, repaired, failed, ...rest }) =>
          note({
            ...rest,
            account: id === undefined ? null : nameOf(id),
            mailbox: mailbox ?? null,
            uid: uid ?? null,
            repaired: repaired ?? null,
            failed: failed ?? null,
          }),
      )
      return { ...found, seen }
    })
  },
})
