import { Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'

export default class Logs extends BaseCommand {
  static override summary = 'Print the log of a server that runs in the background.'
  static override description =
    'A server in the foreground logs to its terminal. Each line is JSON in the file; on a terminal it is made readable.'
  static override examples = ['<%= config.bin %> logs -n 50', '<%= config.bin %> logs --follow --level warn']
  static override flags = {
    follow: Flags.boolean({ char: 'f', summary: 'Go on with new lines as they come.' }),
    lines: Flags.integer({ char: 'n', summary: 'Begin with so many last lines.', default: 200, min: 0 }),
    level: Flags.option({ options: ['trace', 'debug', 'info', 'warn', 'error'] as const })({
      summary: 'Lines of this level and above.',
      default: 'trace',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Logs)
    const config = await this.loadConfig(flags.config)
    const { logFileOf } = await import('../log-file.ts')
    const { printLog } = await import('../print-log.ts')
    await printLog(logFileOf(config.dataDir), {
      lines: flags.lines,
      follow: flags.follow,
      level: flags.level,
      pretty: process.stdout.isTTY && !this.jsonEnabled(),
    })
  }
}
