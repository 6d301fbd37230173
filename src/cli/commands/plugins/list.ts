import type { PluginView } from '../../../control/routes/plugins.ts'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsList extends BaseCommand {
  static override summary = 'List all plugins in the order they start, with what they need and provide.'
  static override examples = ['<%= config.bin %> plugins list']

  async run(): Promise<{ plugins: readonly PluginView[] }> {
    const { flags } = await this.parse(PluginsList)
    const { listPlugins } = await import('../../../control/routes/plugins.ts')
    const { withPlugins } = await import('../../reach-server.ts')
    const found = await withPlugins(await this.loadConfig(flags.config), (client) => client.call(listPlugins))
    const { table } = await import('../../table.ts')
    this.log(
      table(found.plugins, [
        { title: 'PLUGIN', of: ({ name }) => name },
        { title: 'VERSION', of: ({ version }) => version },
        { title: 'PROVIDES', of: ({ provides }) => provides.join(' ') || null },
        { title: 'NEEDS', of: ({ needs }) => needs.join(' ') || null },
      ]),
    )
    return found
  }
}
