import type { ConfigChange } from '../../../config/plan-changes.ts'
import { BaseCommand } from '../../base-command.ts'

export default class ConfigPlan extends BaseCommand {
  static override summary = 'Show what a reload would change in the running server.'
  static override description =
    'Compares the configuration that runs with the one in the file: plugins, listeners, domains, accounts, limits. Changes nothing.'
  static override examples = ['<%= config.bin %> config plan']

  async run(): Promise<{ changes: readonly ConfigChange[] }> {
    const { flags } = await this.parse(ConfigPlan)
    const config = await this.loadConfig(flags.config)
    const { checkGraph } = await import('../../../server/check-graph.ts')
    await checkGraph(config)
    const { describeConfig } = await import('../../../config/describe-config.ts')
    const { planChanges } = await import('../../../config/plan-changes.ts')
    const { showConfig } = await import('../../../control/routes/config.ts')
    const running = await this.withServer(flags.config, (client) => client.call(showConfig))
    const changes = planChanges(running, await describeConfig(config))
    const { renderChanges } = await import('../../render-changes.ts')
    this.log(renderChanges(changes))
    return { changes }
  }
}
