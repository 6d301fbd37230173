import { Flags } from '@oclif/core'
import type { StatsView } from '../../../control/routes/store/stats.ts'
import { BaseCommand } from '../../base-command.ts'

export default class StoreStats extends BaseCommand {
  static override summary =
    'Show what the store holds: messages, space, the largest accounts, the figures of the driver.'
  static override examples = [
    '<%= config.bin %> store stats',
    '<%= config.bin %> store stats --account alice@example.org',
    '<%= config.bin %> store stats --json | jq .driver',
  ]
  static override flags = {
    account: Flags.string({ summary: 'One account alone, by its address.' }),
    limit: Flags.integer({
      char: 'n',
      summary: 'Accounts to show, the largest first; 0 for all.',
      default: 10,
      min: 0,
    }),
  }

  async run(): Promise<StatsView> {
    const { flags } = await this.parse(StoreStats)
    const { statsRoute } = await import('../../../control/routes/store/stats.ts')
    const { runTask } = await import('../../run-task.ts')
    const { renderStats } = await import('../../render-stats.ts')
    const body = { account: flags.account }
    const result = await this.withStore(flags.config, (client) => runTask(client, statsRoute, { body }))
    const stats = result as unknown as StatsView
    this.log(renderStats(stats, flags.limit === 0 ? Infinity : flags.limit))
    return stats
  }
}
