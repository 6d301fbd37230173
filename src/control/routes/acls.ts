import { z } from 'zod'
import { type Account, directory } from '../../directory/directory.ts'
import { MailError } from '../../errors/mail-error.ts'
import { type Address, formatAddress } from '../../mail/address.ts'
import { type AclSubject, ALL_RIGHTS, mailStore } from '../../store/mail-store.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'
import { addressParameter } from './address-parameter.ts'

const params = z.object({ address: addressParameter() })
const entry = z.object({
  mailbox: z.string(),
  /** An address, or `anyone`. */
  subject: z.string(),
  isNegative: z.boolean(),
  rights: z.string(),
})
const entries = z.object({ entries: z.array(entry) })

export const listAcls = defineRoute({
  method: 'GET',
  path: '/accounts/{address}/acls',
  summary: 'What an account shares, and with whom (RFC 4314); the owner has every right and does not stand here',
  params,
  response: entries,
  run: (context: ControlContext, { params: { address } }) => entriesOf(context, address),
})

export const changeAcl = defineRoute({
  method: 'POST',
  path: '/accounts/{address}/acls',
  summary: 'Changes one entry of a mailbox’s access control list; an entry without rights goes',
  params,
  body: z.strictObject({
    mailbox: z.string().min(1),
    subject: z.union([z.literal('anyone'), addressParameter()]),
    isNegative: z.boolean().default(false),
    mode: z.enum(['replace', 'add', 'remove']).default('replace'),
    rights: z.string().regex(new RegExp(`^[${ALL_RIGHTS}]*$`), `expected letters of ${ALL_RIGHTS}`),
  }),
  response: entries,
  async run(context: ControlContext, { params: { address }, body }) {
    const { mailbox, subject, isNegative, mode, rights } = body
    const store = context.service(mailStore)
    const owner = await existing(context, address)
    const { id } = await store.mailbox(owner.id, mailbox)
    const other: AclSubject = subject === 'anyone' ? subject : (await existing(context, subject)).id
    if (other === owner.id)
      throw new MailError('NOT_ALLOWED', `${formatAddress(owner.address)} owns it, with every right`)
    await store.changeAcl(owner.id, id, { subject: other, isNegative, mode, rights })
    return entriesOf(context, address)
  },
})

async function entriesOf(context: ControlContext, address: Address): Promise<z.output<typeof entries>> {
  const people = context.service(directory)
  const owner = await existing(context, address)
  const found: z.output<typeof entry>[] = []
  for (const { name, acl } of await context.service(mailStore).mailboxes(owner.id)) {
    for (const { subject, isNegative, rights } of acl ?? []) {
      const account = subject === 'anyone' ? undefined : await people.account(subject)
      // Entries of accounts that are gone give nothing to anybody.
      if (subject !== 'anyone' && account === undefined) continue
      const text = account === undefined ? 'anyone' : formatAddress(account.address)
      found.push({ mailbox: name, subject: text, isNegative, rights })
    }
  }
  return { entries: found }
}

async function existing(context: ControlContext, address: Address): Promise<Account> {
  const account = await context.service(directory).accountByAddress(address)
  if (account === undefined) throw new MailError('NOT_FOUND', `there is no account ${formatAddress(address)}`)
  return account
}

export const aclRoutes = [listAcls, changeAcl] as const
