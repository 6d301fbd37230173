import { BaseCommand } from '../base-command.ts'

/** New workers may have to read a large store before they listen. */
const RELOAD_MS = 240_000

export default class Reload extends BaseCommand {
  static override summary = 'Let the running server take up the configuration as it is now.'
  static override description =
    'New workers start with it, then the old ones finish their sessions. When it cannot be used the old ones go on, and this says why.'
  static override examples = ['<%= config.bin %> config plan && <%= config.bin %> reload']

  async run(): Promise<{ generation: number }> {
    const { flags } = await this.parse(Reload)
    const { reloadServer } = await import('../../control/routes/server.ts')
    const done = await this.withServer(flags.config, (client) =>
      client.call(reloadServer, {}, { timeoutMs: RELOAD_MS }),
    )
    this.log(`Reloaded: generation ${done.generation} listens.`)
    return done
  }
}
