import type { ConfigDescription } from '../../../config/describe-config.ts'
import { BaseCommand } from '../../base-command.ts'

export default class ConfigPrint extends BaseCommand {
  static override summary = 'Print the configuration with its defaults, without its secrets.'
  static override examples = ['<%= config.bin %> config print', '<%= config.bin %> config print --json | jq .plugins']

  async run(): Promise<ConfigDescription> {
    const { flags } = await this.parse(ConfigPrint)
    const { describeConfig } = await import('../../../config/describe-config.ts')
    const description = await describeConfig(await this.loadConfig(flags.config))
    const { inspect } = await import('node:util')
    this.log(inspect(description, { depth: null, colors: process.stdout.isTTY, maxArrayLength: null, sorted: false }))
    return description
  }
}
