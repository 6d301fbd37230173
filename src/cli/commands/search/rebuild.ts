import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class SearchRebuild extends BaseCommand {
  static override summary = 'Throw the search index away and make it anew.'
  static override description =
    'Searches go on meanwhile, and read what the index does not know yet. After Ctrl-C a running server does the rest by itself.'
  static override examples = [
    '<%= config.bin %> search rebuild',
    '<%= config.bin %> search rebuild --account alice@example.org',
  ]
  static override flags = { account: Flags.string({ summary: 'One account alone, by its address.' }) }

  async run(): Promise<object> {
    const { flags } = await this.parse(SearchRebuild)
    const { rebuildRoute } = await import('../../../control/routes/search.ts')
    const { runTask } = await import('../../run-task.ts')
    const body = { account: flags.account }
    const done = await this.withStore(flags.config, (client) => runTask(client, rebuildRoute, { body }))
    const { accounts, messages } = done as { accounts: number; messages: number }
    this.log(`Indexed ${messages} messages of ${accounts} ${accounts === 1 ? 'account' : 'accounts'}.`)
    return done
  }
}
