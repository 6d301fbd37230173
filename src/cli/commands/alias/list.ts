import { BaseCommand } from '../../base-command.ts'

export default class AliasList extends BaseCommand {
  static override summary = 'List all aliases.'
  static override examples = ['<%= config.bin %> alias list']

  async run() {
    const { flags } = await this.parse(AliasList)
    const { listAliases } = await import('../../../control/routes/aliases.ts')
    const found = await this.withStore(flags.config, (client) => client.call(listAliases))
    const { table } = await import('../../table.ts')
    if (found.aliases.length === 0) this.log('There are no aliases.')
    else {
      this.log(
        table(found.aliases, [
          { title: 'ALIAS', of: ({ address }) => address },
          { title: 'STANDS FOR', of: ({ targets }) => targets.join(', ') },
          { title: 'FROM', of: ({ source }) => source },
        ]),
      )
    }
    return found
  }
}
