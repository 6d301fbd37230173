import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class DomainRemove extends BaseCommand {
  static override summary = 'Remove a domain.'
  static override examples = ['<%= config.bin %> domain remove example.org']
  static override args = { name: Args.string({ required: true, description: 'The domain.' }) }

  async run(): Promise<{ name: string }> {
    const { args, flags } = await this.parse(DomainRemove)
    const { removeDomain } = await import('../../../control/routes/domains.ts')
    const removed = await this.withStore(flags.config, (client) => client.call(removeDomain, { params: args }))
    this.log(`Removed ${removed.name}.`)
    return removed
  }
}
