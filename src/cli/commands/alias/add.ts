import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class AliasAdd extends BaseCommand {
  static override summary = 'Add an alias for one or more addresses.'
  static override examples = ['<%= config.bin %> alias add sales@example.org alice@example.org bob@example.net']
  static override strict = false
  static override args = {
    alias: Args.string({ required: true, description: 'The alias.' }),
    target: Args.string({ required: true, description: 'An address it stands for; more may follow.' }),
  }

  async run() {
    const { args, argv, flags } = await this.parse(AliasAdd)
    const { addAlias } = await import('../../../control/routes/aliases.ts')
    const body = { address: args.alias, targets: argv.slice(1).map(String) }
    const alias = await this.withStore(flags.config, (client) => client.call(addAlias, { body }))
    this.log(`${alias.address} → ${alias.targets.join(', ')}`)
    return alias
  }
}
