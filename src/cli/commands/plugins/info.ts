import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class PluginsInfo extends BaseCommand {
  static override summary = 'Show a plugin with its options, without their secrets.'
  static override examples = ['<%= config.bin %> plugins info smtp']
  static override args = { name: Args.string({ required: true, description: 'Its name.' }) }

  async run() {
    const { args, flags } = await this.parse(PluginsInfo)
    const { showPlugin } = await import('../../../control/routes/plugins.ts')
    const { withPlugins } = await import('../../reach-server.ts')
    const config = await this.loadConfig(flags.config)
    const plugin = await withPlugins(config, (client) => client.call(showPlugin, { params: args }))
    const { inspect } = await import('node:util')
    this.log(inspect(plugin, { depth: null, colors: process.stdout.isTTY, maxArrayLength: null }))
    return plugin
  }
}
