import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class UserRemove extends BaseCommand {
  static override summary = 'Remove an account, with all its mail.'
  static override examples = [
    '<%= config.bin %> user remove alice@example.org',
    '<%= config.bin %> user remove bob@example.org --yes',
  ]
  static override args = { address: Args.string({ required: true, description: 'Its address.' }) }
  static override flags = { yes: Flags.boolean({ char: 'y', summary: 'Do not ask.' }) }

  async run(): Promise<{ address: string }> {
    const { args, flags } = await this.parse(UserRemove)
    const { confirm } = await import('../../confirm.ts')
    await confirm(`Remove ${args.address} and all its mail?`, flags.yes)
    const { removeAccount } = await import('../../../control/routes/accounts.ts')
    const removed = await this.withStore(flags.config, (client) => client.call(removeAccount, { params: args }))
    this.log(`Removed ${removed.address}.`)
    return removed
  }
}
