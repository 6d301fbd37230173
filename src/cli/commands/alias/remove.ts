import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class AliasRemove extends BaseCommand {
  static override summary = 'Remove an alias.'
  static override examples = ['<%= config.bin %> alias remove sales@example.org']
  static override args = { address: Args.string({ required: true, description: 'The alias.' }) }

  async run(): Promise<{ address: string }> {
    const { args, flags } = await this.parse(AliasRemove)
    const { removeAlias } = await import('../../../control/routes/aliases.ts')
    const removed = await this.withStore(flags.config, (client) => client.call(removeAlias, { params: args }))
    this.log(`Removed ${removed.address}.`)
    return removed
  }
}
