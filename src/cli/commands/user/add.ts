import { Args, Flags } from '@oclif/core'
import type { AccountView } from '../../../control/routes/accounts.ts'
import { BaseCommand } from '../../base-command.ts'
import { limitFlags } from '../../limit-flags.ts'
import { passwordFlags } from '../../password-flags.ts'

type Added = AccountView & { readonly password?: string }

export default class UserAdd extends BaseCommand {
  static override summary = 'Add an account.'
  static override description =
    'Asks for the password without showing it. Works with no server running too. Accounts of the config file are added there.'
  static override examples = [
    '<%= config.bin %> user add alice@example.org --quota 2GB',
    '<%= config.bin %> user add bob@example.org --generate',
    'pass show mail/carol | <%= config.bin %> user add carol@example.org --password-stdin',
  ]
  static override args = { address: Args.string({ required: true, description: 'Its address, which is its login.' }) }
  static override flags = {
    name: Flags.string({ summary: 'Name of the person.' }),
    ...limitFlags,
    ...passwordFlags,
  }

  async run(): Promise<Added> {
    const { args, flags } = await this.parse(UserAdd)
    const { messagesOf, quotaOf } = await import('../../limit-flags.ts')
    const maxBytes = quotaOf(flags.quota) ?? undefined
    const maxMessages = messagesOf(flags.messages) ?? undefined
    const { readPassword } = await import('../../read-password.ts')
    const password = await readPassword(flags)
    const { addAccount } = await import('../../../control/routes/accounts.ts')
    const body = { address: args.address, password, name: flags.name, maxBytes, maxMessages }
    const account = await this.withStore(flags.config, (client) => client.call(addAccount, { body }))
    this.log(`Added ${account.address}.`)
    if (flags.generate) this.log(`Password: ${password}`)
    return flags.generate ? { ...account, password } : account
  }
}
