import { z } from 'zod'
import { mailStore } from '../../../store/mail-store.ts'
import { storeContext } from '../../../store/store-context.ts'
import { exportAccount } from '../../../store/transfer/export-account.ts'
import { importAccount } from '../../../store/transfer/import-account.ts'
import { TRANSFER_FORMATS } from '../../../store/transfer/transfer-message.ts'
import type { ControlContext } from '../../control-context.ts'
import { defineRoute } from '../../route.ts'
import { addressParameter } from '../address-parameter.ts'
import { begunTask } from '../tasks.ts'
import { accountOf } from './accounts.ts'

const path = z.string().startsWith('/').describe('Absolute, as the server sees it')

export const exportRoute = defineRoute({
  method: 'POST',
  path: '/store/export',
  summary: 'Begins to write the mail of an account into files of an empty directory',
  body: z.strictObject({
    account: addressParameter(),
    path,
    format: z.enum(TRANSFER_FORMATS),
    mailboxes: z.array(z.string().min(1)).optional(),
  }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const { id } = await accountOf(context, body.account)
    const store = context.service(storeContext)
    const { format, mailboxes } = body
    return context.tasks.begin(({ signal, progress, note }) =>
      exportAccount(store, id, body.path, { format, mailboxes, signal, onProgress: progress, onLost: note }),
    )
  },
})

export const importRoute = defineRoute({
  method: 'POST',
  path: '/store/import',
  summary: 'Begins to bring mail from files into an account; messages that are there already are passed over',
  body: z.strictObject({
    account: addressParameter(),
    path,
    format: z.enum(TRANSFER_FORMATS).optional().describe('Found out when left out'),
    into: z.string().min(1).optional().describe('Everything comes below this mailbox'),
    mailbox: z.string().min(1).optional().describe('Mailbox of a single mbox file'),
  }),
  response: begunTask,
  async run(context: ControlContext, { body }) {
    const { id } = await accountOf(context, body.account)
    const store = context.service(storeContext)
    const mail = context.service(mailStore)
    const { format, into, mailbox } = body
    return context.tasks.begin(({ signal, progress, note }) =>
      importAccount(store, mail, id, body.path, {
        format,
        into,
        mailbox,
        maxBytes: context.messageBytes,
        signal,
        onProgress: progress,
        onSkipped: note,
      }),
    )
  },
})
