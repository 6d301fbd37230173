import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'

export default class Stop extends BaseCommand {
  static override summary = 'Stop the running server and wait until it has ended.'
  static override description =
    'Sessions at work may finish until the deadline of the config (limits.drain). Accepted messages are on disk in any case.'
  static override examples = ['<%= config.bin %> stop', '<%= config.bin %> stop --now']
  static override flags = { now: Flags.boolean({ summary: 'Do not wait for sessions at work.' }) }

  async run(): Promise<{ pid: number }> {
    const { flags } = await this.parse(Stop)
    const config = await this.loadConfig(flags.config)
    const { stopServer } = await import('../stop-server.ts')
    const stopped = await stopServer(config, { drain: !flags.now })
    this.log(`Stopped process ${stopped.pid}.`)
    return stopped
  }
}
