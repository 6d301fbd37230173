import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class UserShow extends BaseCommand {
  static override summary = 'Show an account with its mailboxes and the space it uses.'
  static override examples = ['<%= config.bin %> user show alice@example.org']
  static override args = { address: Args.string({ required: true, description: 'Its address.' }) }

  async run() {
    const { args, flags } = await this.parse(UserShow)
    const { showAccount } = await import('../../../control/routes/accounts.ts')
    const account = await this.withStore(flags.config, (client) => client.call(showAccount, { params: args }))
    const { renderAccount } = await import('../../render-account.ts')
    this.log(renderAccount(account))
    return account
  }
}
