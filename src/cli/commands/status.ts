import type { ServerStatus } from '../../control/server-status.ts'
import { BaseCommand } from '../base-command.ts'

export default class Status extends BaseCommand {
  static override summary = 'Show what runs, since when, what listens, sessions and the queue.'
  static override examples = ['<%= config.bin %> status', '<%= config.bin %> status --json']

  async run(): Promise<ServerStatus> {
    const { flags } = await this.parse(Status)
    const { showStatus } = await import('../../control/routes/server.ts')
    const status = await this.withServer(flags.config, (client) => client.call(showStatus))
    const { renderStatus } = await import('../render-status.ts')
    this.log(renderStatus(status))
    return status
  }
}
