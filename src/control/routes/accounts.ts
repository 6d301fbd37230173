import { z } from 'zod'
import { type Account, directory } from '../../directory/directory.ts'
import { MailError } from '../../errors/mail-error.ts'
import { type Address, formatAddress } from '../../mail/address.ts'
import { mailStore } from '../../store/mail-store.ts'
import type { ControlContext } from '../control-context.ts'
import { defineRoute } from '../route.ts'
import { addressParameter } from './address-parameter.ts'

const account = z.object({
  address: z.string(),
  id: z.string(),
  name: z.string().nullable(),
  source: z.enum(['config', 'store']),
  disabled: z.boolean(),
  maxBytes: z.number().nullable().describe('Octets; null for no limit'),
  maxMessages: z.number().nullable(),
  createdAt: z.number().describe('Milliseconds since the epoch'),
})

export type AccountView = z.output<typeof account>

const detail = account.extend({
  usedBytes: z.number(),
  usedMessages: z.number(),
  mailboxes: z.array(
    z.object({ name: z.string(), specialUse: z.string().nullable(), messages: z.number(), unseen: z.number() }),
  ),
  aliases: z.array(z.string()).describe('Aliases that name this address among their targets'),
})

const byAddress = z.object({ address: addressParameter() })
const limit = z.int().min(1).optional()
const done = z.object({ address: z.string() })

const view = ({ id, address, name, source, disabled, maxBytes, maxMessages, createdAt }: Account): AccountView => ({
  address: formatAddress(address),
  id,
  name: name ?? null,
  source,
  disabled,
  maxBytes: maxBytes ?? null,
  maxMessages: maxMessages ?? null,
  createdAt,
})

async function existing(context: ControlContext, address: Address): Promise<Account> {
  const found = await context.service(directory).accountByAddress(address)
  if (found === undefined) throw new MailError('NOT_FOUND', `there is no account ${formatAddress(address)}`)
  return found
}

export const listAccounts = defineRoute({
  method: 'GET',
  path: '/accounts',
  summary: 'All accounts, of the config and of the store',
  response: z.object({ accounts: z.array(account) }),
  run: async (context: ControlContext) => ({ accounts: (await context.service(directory).accounts()).map(view) }),
})

export const showAccount = defineRoute({
  method: 'GET',
  path: '/accounts/{address}',
  summary: 'One account with its use of space and its mailboxes',
  params: byAddress,
  response: detail,
  async run(context: ControlContext, { params }) {
    const found = await existing(context, params.address)
    const store = context.service(mailStore)
    const quota = await store.quota(found.id)
    const text = formatAddress(found.address)
    const aliases = (await context.service(directory).aliases()).filter(({ targets }) =>
      targets.some((target) => formatAddress(target) === text),
    )
    const mailboxes = []
    for (const { id, name, specialUse } of await store.mailboxes(found.id)) {
      const { messages, unseen } = await store.status(found.id, id)
      mailboxes.push({ name, specialUse: specialUse ?? null, messages, unseen })
    }
    return {
      ...view(found),
      usedBytes: quota.usedBytes,
      usedMessages: quota.usedMessages,
      mailboxes,
      aliases: aliases.map(({ address }) => formatAddress(address)),
    }
  },
})

export const addAccount = defineRoute({
  method: 'POST',
  path: '/accounts',
  summary: 'Adds an account to the store',
  body: z.strictObject({
    address: addressParameter(),
    password: z.string().min(1),
    name: z.string().optional(),
    maxBytes: limit,
    maxMessages: limit,
  }),
  response: account,
  async run(context: ControlContext, { body }) {
    const { address, password, name, maxBytes, maxMessages } = body
    const added = await context.service(directory).addAccount(
      {
        address,
        ...(name !== undefined && { name }),
        ...(maxBytes !== undefined && { maxBytes }),
        ...(maxMessages !== undefined && { maxMessages }),
      },
      password,
    )
    return view(added)
  },
})

export const updateAccount = defineRoute({
  method: 'PATCH',
  path: '/accounts/{address}',
  summary: 'Changes an account of the store; null takes a value away',
  params: byAddress,
  body: z.strictObject({
    name: z.string().nullable().optional(),
    disabled: z.boolean().optional(),
    maxBytes: limit.nullable(),
    maxMessages: limit.nullable(),
  }),
  response: account,
  async run(context: ControlContext, { params, body }) {
    const { name, disabled, maxBytes, maxMessages } = body
    const updated = await context.service(directory).updateAccount(params.address, {
      ...(name !== undefined && { name }),
      ...(disabled !== undefined && { disabled }),
      ...(maxBytes !== undefined && { maxBytes }),
      ...(maxMessages !== undefined && { maxMessages }),
    })
    return view(updated)
  },
})

export const setAccountPassword = defineRoute({
  method: 'PUT',
  path: '/accounts/{address}/password',
  summary: 'Sets the password of an account of the store',
  params: byAddress,
  body: z.strictObject({ password: z.string().min(1) }),
  response: done,
  async run(context: ControlContext, { params, body }) {
    await context.service(directory).setPassword(params.address, body.password)
    return { address: formatAddress(params.address) }
  },
})

export const removeAccount = defineRoute({
  method: 'DELETE',
  path: '/accounts/{address}',
  summary: 'Removes an account of the store, with all its mail',
  params: byAddress,
  response: done,
  async run(context: ControlContext, { params }) {
    await context.service(directory).removeAccount(params.address)
    return { address: formatAddress(params.address) }
  },
})

export const accountRoutes = [
  listAccounts,
  showAccount,
  addAccount,
  updateAccount,
  setAccountPassword,
  removeAccount,
] as const
