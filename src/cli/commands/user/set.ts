import { Args, Flags } from '@oclif/core'
import type { AccountView } from '../../../control/routes/accounts.ts'
import { EXIT, UserError } from '../../../errors/user-error.ts'
import { BaseCommand } from '../../base-command.ts'
import { limitFlags } from '../../limit-flags.ts'

export default class UserSet extends BaseCommand {
  static override summary = 'Change the name, limits or state of an account.'
  static override examples = [
    '<%= config.bin %> user set alice@example.org --quota 5GB',
    '<%= config.bin %> user set bob@example.org --disable',
  ]
  static override args = { address: Args.string({ required: true, description: 'Its address.' }) }
  static override flags = {
    name: Flags.string({ summary: "Name of the person; '' for none." }),
    ...limitFlags,
    disable: Flags.boolean({ summary: 'No login, no delivery.', exclusive: ['enable'] }),
    enable: Flags.boolean({ summary: 'Take --disable back.' }),
  }

  async run(): Promise<AccountView> {
    const { args, flags } = await this.parse(UserSet)
    const { messagesOf, quotaOf } = await import('../../limit-flags.ts')
    const maxBytes = quotaOf(flags.quota)
    const maxMessages = messagesOf(flags.messages)
    const body = {
      ...(flags.name !== undefined && { name: flags.name === '' ? null : flags.name }),
      ...(maxBytes !== undefined && { maxBytes }),
      ...(maxMessages !== undefined && { maxMessages }),
      ...((flags.disable || flags.enable) && { disabled: flags.disable === true }),
    }
    if (Object.keys(body).length === 0) {
      throw new UserError('Nothing to change was given.', {
        exitCode: EXIT.usage,
        nextSteps: ['See mailserver user set --help'],
      })
    }
    const { updateAccount } = await import('../../../control/routes/accounts.ts')
    const account = await this.withStore(flags.config, (client) => client.call(updateAccount, { params: args, body }))
    const { renderAccounts } = await import('../../render-account.ts')
    this.log(renderAccounts([account]))
    return account
  }
}
