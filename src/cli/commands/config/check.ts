import { BaseCommand } from '../../base-command.ts'

interface Checked {
  readonly file: string
  readonly plugins: readonly string[]
}

export default class ConfigCheck extends BaseCommand {
  static override summary = 'Check the configuration without starting anything.'
  static override description =
    'Evaluates the file, checks every option, and sees whether the plugins fit together. Exit code 78 when they do not.'
  static override examples = [
    '<%= config.bin %> config check',
    '<%= config.bin %> config check -c next.config.ts --json',
  ]

  async run(): Promise<Checked> {
    const { flags } = await this.parse(ConfigCheck)
    const config = await this.loadConfig(flags.config)
    const { checkGraph } = await import('../../../server/check-graph.ts')
    const plugins = await checkGraph(config)
    this.log(`${config.file} is good: ${plugins.length} plugins, starting in the order ${plugins.join(', ')}.`)
    return { file: config.file, plugins }
  }
}
