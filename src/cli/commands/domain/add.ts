import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class DomainAdd extends BaseCommand {
  static override summary = 'Add a domain whose mail is ours.'
  static override examples = ['<%= config.bin %> domain add example.org --catch-all alice@example.org']
  static override args = { name: Args.string({ required: true, description: 'The domain.' }) }
  static override flags = {
    'catch-all': Flags.string({ summary: 'Address that gets mail to unknown local parts.' }),
    'subaddress-delimiter': Flags.string({ summary: "What separates a subaddress, '+' by default; '' for none." }),
  }

  async run(): Promise<{ name: string }> {
    const { args, flags } = await this.parse(DomainAdd)
    const { addDomain } = await import('../../../control/routes/domains.ts')
    const body = {
      name: args.name,
      catchAll: flags['catch-all'],
      subaddressDelimiter: flags['subaddress-delimiter'],
    }
    const added = await this.withStore(flags.config, (client) => client.call(addDomain, { body }))
    this.log(`Added ${added.name}.`)
    return added
  }
}
