import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class DomainRemove extends BaseCommand {
  static override summary = 'Remove a domain.'
  static override examples = ['<%= config.bin %> domain remove example.org']
  static override args = { name: Args.string({ required: true, description: 'The domain.' }) }
  static override flags = {
    force: Flags.boolean({ summary: 'Also when it has accounts; they cannot log in any more.', default: false }),
  }

  async run(): Promise<{ name: string }> {
    const { args, flags } = await this.parse(DomainRemove)
    const { removeDomain } = await import('../../../control/routes/domains.ts')
    const request = { params: args, query: { force: String(flags.force) } }
    const removed = await this.withStore(flags.config, (client) => client.call(removeDomain, request))
    this.log(`Removed ${removed.name}.`)
    return removed
  }
}
