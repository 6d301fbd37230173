import { BaseCommand } from '../base-command.ts'
import type { StartCard } from '../start-card.ts'

export default class Restart extends BaseCommand {
  static override summary = 'Stop the server when it runs, and start it in the background.'
  static override description =
    'The configuration is checked before anything is stopped. For a change of the configuration `reload` is enough, and drops no session.'
  static override examples = ['<%= config.bin %> restart']

  async run(): Promise<StartCard> {
    const { flags } = await this.parse(Restart)
    const config = await this.loadConfig(flags.config)
    const { runningServer } = await import('../reach-server.ts')
    if (runningServer(config) !== undefined) {
      const { stopServer } = await import('../stop-server.ts')
      await stopServer(config, { drain: true })
    }
    const { startDetached } = await import('../start-detached.ts')
    const card = await startDetached(config.file, config.dataDir)
    const { renderCard } = await import('../start-card.ts')
    this.log(renderCard(card))
    return card
  }
}
