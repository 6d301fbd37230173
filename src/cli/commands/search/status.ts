import { Flags } from '@oclif/core'
import type { IndexedAccountView } from '../../../control/routes/search.ts'
import { BaseCommand } from '../../base-command.ts'

export default class SearchStatus extends BaseCommand {
  static override summary = 'Show how much of the mail the search index knows, by account.'
  static override description = 'What it does not know yet is read when somebody searches: answers are always whole.'
  static override examples = ['<%= config.bin %> search status', '<%= config.bin %> search status --json']
  static override flags = { account: Flags.string({ summary: 'One account alone, by its address.' }) }

  async run(): Promise<{ accounts: readonly IndexedAccountView[] }> {
    const { flags } = await this.parse(SearchStatus)
    const { statusRoute } = await import('../../../control/routes/search.ts')
    const { bytes } = await import('../../quantity.ts')
    const { table } = await import('../../table.ts')
    const query = { account: flags.account }
    const status = await this.withStore(flags.config, (client) => client.call(statusRoute, { query }))
    this.log(
      table(status.accounts, [
        { title: 'ACCOUNT', of: ({ account }) => account },
        { title: 'MESSAGES', of: ({ messages }) => messages, align: 'right' },
        { title: 'INDEXED', of: ({ indexed }) => indexed, align: 'right' },
        { title: 'SKIPPED', of: ({ skipped }) => skipped, align: 'right' },
        { title: 'SIZE', of: ({ octets }) => bytes(octets), align: 'right' },
      ]),
    )
    return status
  }
}
