import { BaseCommand } from '../../base-command.ts'

export default class DomainList extends BaseCommand {
  static override summary = 'List the domains whose mail is ours.'
  static override examples = ['<%= config.bin %> domain list']

  async run() {
    const { flags } = await this.parse(DomainList)
    const { listDomains } = await import('../../../control/routes/domains.ts')
    const found = await this.withStore(flags.config, (client) => client.call(listDomains))
    const { table } = await import('../../table.ts')
    if (found.domains.length === 0) this.log('There are no domains.')
    else {
      this.log(
        table(found.domains, [
          { title: 'DOMAIN', of: ({ name }) => name },
          { title: 'CATCH-ALL', of: ({ catchAll }) => catchAll },
          { title: 'SUBADDRESS', of: ({ subaddressDelimiter }) => subaddressDelimiter || 'none' },
          { title: 'FROM', of: ({ source }) => source },
        ]),
      )
    }
    return found
  }
}
