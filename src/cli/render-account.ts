import type { AccountView } from '../control/routes/accounts.ts'
import { paint } from './paint.ts'
import { bytes, moment } from './quantity.ts'
import { clean, table } from './table.ts'

export const renderAccounts = (accounts: readonly AccountView[]): string =>
  table(accounts, [
    { title: 'ADDRESS', of: ({ address }) => address },
    { title: 'NAME', of: ({ name }) => name },
    { title: 'QUOTA', of: ({ maxBytes }) => (maxBytes === null ? 'none' : bytes(maxBytes)), align: 'right' },
    { title: 'FROM', of: ({ source }) => source },
    { title: 'STATE', of: ({ disabled }) => (disabled ? 'disabled' : 'active') },
    { title: 'CREATED', of: ({ createdAt }) => moment(createdAt) },
  ])

interface Detail extends AccountView {
  readonly usedBytes: number
  readonly usedMessages: number
  readonly aliases: readonly string[]
  readonly mailboxes: readonly {
    readonly name: string
    readonly specialUse: string | null
    readonly messages: number
    readonly unseen: number
  }[]
}

export function renderAccount(account: Detail): string {
  const { name, usedBytes, maxBytes, usedMessages, maxMessages, aliases, disabled, source } = account
  const facts = [
    ...(name === null ? [] : [`Name      ${clean(name)}`]),
    `State     ${disabled ? 'disabled' : 'active'}, from the ${source}`,
    `Space     ${bytes(usedBytes)} of ${maxBytes === null ? 'any' : bytes(maxBytes)}`,
    `Messages  ${usedMessages} of ${maxMessages ?? 'any'}`,
    `Aliases   ${aliases.map(clean).join(', ') || 'none'}`,
  ]
  const mailboxes = table(account.mailboxes, [
    { title: 'MAILBOX', of: (one) => one.name },
    { title: 'USE', of: ({ specialUse }) => specialUse },
    { title: 'MESSAGES', of: ({ messages }) => messages, align: 'right' },
    { title: 'UNSEEN', of: ({ unseen }) => unseen, align: 'right' },
  ])
  return [paint.bold(clean(account.address)), ...facts, '', mailboxes].join('\n')
}
