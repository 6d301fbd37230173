import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../base-command.ts'

interface Made {
  readonly directory: string
  readonly files: readonly string[]
}

export default class Init extends BaseCommand {
  static override summary = 'Make a directory with a configuration to start from.'
  static override description =
    'Writes the configuration, a package.json, a tsconfig.json that makes editors complete it, a first test, .gitignore and README.'
  static override examples = ['<%= config.bin %> init mail', '<%= config.bin %> init mail --domain example.org']
  static override args = {
    directory: Args.string({ required: true, description: 'Made when it does not exist; no file is overwritten.' }),
  }
  static override flags = {
    domain: Flags.string({ summary: 'Domain whose mail is ours.', default: 'example.test' }),
    install: Flags.boolean({ summary: 'Install its packages with npm.', default: true, allowNo: true }),
  }

  async run(): Promise<Made> {
    const { args, flags } = await this.parse(Init)
    const { resolve } = await import('node:path')
    const { initProject } = await import('../init-project.ts')
    const directory = resolve(args.directory)
    const files = await initProject(directory, flags.domain, this.config.root)
    this.log(files.map((file) => `  ${file}`).join('\n'))
    if (flags.install) {
      const { installPackages } = await import('../install-packages.ts')
      await installPackages(directory)
    }
    this.log(`\nNow:\n\n  cd ${args.directory} && ${flags.install ? '' : 'npm install && '}npm start`)
    return { directory, files }
  }
}
