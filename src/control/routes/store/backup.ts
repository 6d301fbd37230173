import { resolve } from 'node:path'
import { z } from 'zod'
import { directory } from '../../../directory/directory.ts'
import { directorySection, restoreDirectory } from '../../../directory/directory-section.ts'
import { MailError } from '../../../errors/mail-error.ts'
import { UserError } from '../../../errors/user-error.ts'
import { formatAddress } from '../../../mail/address.ts'
import { queue } from '../../../queue/queue.ts'
import { queueSection, restoreQueue } from '../../../queue/queue-section.ts'
import { checkBackup } from '../../../store/backup/check-backup.ts'
import { pruneBackup } from '../../../store/backup/prune-backup.ts'
import { isUntouched } from '../../../store/backup/restore-account.ts'
import { restoreBackup } from '../../../store/backup/restore-backup.ts'
import { makeDirectory } from '../../../store/backup/whole-files.ts'
import { writeBackup } from '../../../store/backup/write-backup.ts'
import type { AccountId } from '../../../store/mail-store.ts'
import { storeContext } from '../../../store/store-context.ts'
import type { ControlContext } from '../../control-context.ts'
import { takeLock } from '../../data-lock.ts'
import { defineRoute } from '../../route.ts'
import { addressParameter } from '../address-parameter.ts'
import { begunTask } from '../tasks.ts'
import { accountOf } from './accounts.ts'

const path = z.string().startsWith('/').describe('Absolute, as the server sees it')

export const backupRoute = defineRoute({
  method: 'POST',
  path: '/store/backup',
  summary: 'Begins to add the store as it is now to a backup in a directory',
  body: z.strictObject({
    directory: path,
    accounts: z.array(addressParameter()).optional().describe('These alone; everything when left out'),
    keep: z.int().min(1).optional().describe('Points in time that stay, the newest; all when left out'),
  }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const { keep } = body
    const target = resolve(body.directory)
    const store = context.service(storeContext)
    const all = await context.service(directory).accounts()
    const addresses = new Map<AccountId, string>(all.map(({ id, address }) => [id, formatAddress(address)]))
    const wanted = body.accounts === undefined ? undefined : await idsOf(context, body.accounts)
    return context.tasks.begin(async (task) => {
      await makeDirectory(target)
      return locked(target, async () => {
        let missing = 0
        const written = await writeBackup(store, target, {
          accounts: wanted,
          addressOf: (id) => addresses.get(id) ?? null,
          sections: [directorySection, queueSection],
          signal: task.signal,
          onProgress: task.progress,
          onMissing: ({ account, mailbox, uid, text }) => {
            missing += 1
            return task.note({ account: addresses.get(account) ?? account, mailbox, uid, text })
          },
        })
        const watched = { signal: task.signal, onProgress: task.progress }
        const pruned =
          keep === undefined ? { removedPoints: [], freedBytes: 0 } : await pruneBackup(target, keep, watched)
        return { ...written, missing, ...pruned }
      })
    })
  },
})

export const checkBackupRoute = defineRoute({
  method: 'POST',
  path: '/store/backup/check',
  summary: 'Begins to read a backup through',
  body: z.strictObject({ directory: path }),
  response: begunTask,
  async run({ tasks }: ControlContext, { body }) {
    return tasks.begin(async (task) => {
      let damages = 0
      const watched = { signal: task.signal, onProgress: task.progress }
      const seen = await checkBackup(resolve(body.directory), watched, (text) => {
        damages += 1
        return task.note({ text })
      })
      return { damages, ...seen }
    })
  },
})

export const restoreRoute = defineRoute({
  method: 'POST',
  path: '/store/restore',
  summary: 'Begins to bring a backup, or a part of it, back',
  body: z.strictObject({
    directory: path,
    accounts: z.array(addressParameter()).optional(),
    at: z.string().optional().describe('A point in time; the newest when left out'),
    mailboxes: z.array(z.string().min(1)).optional().describe('These alone, merged into what is there'),
    beside: z.string().min(1).optional().describe('Bring mailboxes back below this name'),
    queue: z.enum(['auto', 'yes', 'held', 'no']).default('auto').describe('auto: when nothing is in the queue'),
  }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const { at, mailboxes, beside } = body
    const store = context.service(storeContext)
    const { engine } = store
    const isEmpty = (await context.service(queue).count({})) === 0
    const isPart = body.accounts !== undefined || mailboxes !== undefined || beside !== undefined
    const mode = body.queue === 'auto' ? (isEmpty && !isPart ? 'yes' : 'no') : body.queue
    return context.tasks.begin((task) =>
      restoreBackup(store, resolve(body.directory), {
        accounts: body.accounts?.map(formatAddress),
        at,
        mailboxes,
        beside,
        signal: task.signal,
        onProgress: task.progress,
        onLost: (lost) => task.note(lost),
        directory: (records, only) =>
          restoreDirectory(
            engine,
            records.map((one) => (one as { record: unknown }).record),
            { only, isUntouched: (account) => isUntouched(engine, account) },
          ),
        queue: mode === 'no' ? undefined : (records, bring) => restoreQueue(engine, records, mode === 'held', bring),
      }),
    )
  },
})

async function idsOf(context: ControlContext, addresses: readonly Parameters<typeof accountOf>[1][]) {
  const ids: AccountId[] = []
  for (const address of addresses) ids.push((await accountOf(context, address)).id)
  return ids
}

/** One process at a time writes a backup. @throws UserError, MailError IN_USE */
async function locked<T>(target: string, work: () => Promise<T>): Promise<T> {
  const lock = takeLock(target, 'command')
  if (!('release' in lock)) throw new MailError('IN_USE', `process ${lock.pid} writes to ${target}`)
  try {
    return await work()
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOSPC') throw new UserError(`The disk of ${target} is full: nothing of this backup counts.`)
    throw error
  } finally {
    lock.release()
  }
}
