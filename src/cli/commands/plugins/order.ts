import { BaseCommand } from '../../base-command.ts'

export default class PluginsOrder extends BaseCommand {
  static override summary = 'Show which plugin acts at which moment of a message, in order.'
  static override description = 'Handlers of one stage run at the same time; stages run one after the other.'
  static override examples = ['<%= config.bin %> plugins order']

  async run() {
    const { flags } = await this.parse(PluginsOrder)
    const { orderPlugins } = await import('../../../control/routes/plugins.ts')
    const { withPlugins } = await import('../../reach-server.ts')
    const found = await withPlugins(await this.loadConfig(flags.config), (client) => client.call(orderPlugins))
    const rows = found.hooks.flatMap(({ hook, handlers }) => handlers.map((handler) => ({ hook, ...handler })))
    const { span } = await import('../../quantity.ts')
    const { table } = await import('../../table.ts')
    if (rows.length === 0) this.log('No plugin has a hook.')
    else {
      this.log(
        table(rows, [
          { title: 'MOMENT', of: ({ hook }) => hook },
          { title: 'STAGE', of: ({ stage }) => stage },
          { title: 'PLUGIN', of: ({ plugin }) => plugin },
          { title: 'ORDER', of: ({ order }) => order },
          { title: 'TIMEOUT', of: ({ timeoutMs }) => span(timeoutMs), align: 'right' },
        ]),
      )
    }
    return found
  }
}
