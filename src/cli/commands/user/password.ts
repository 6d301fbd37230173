import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'
import { passwordFlags } from '../../password-flags.ts'

interface Changed {
  readonly address: string
  readonly password?: string
}

export default class UserPassword extends BaseCommand {
  static override summary = 'Set the password of an account.'
  static override description = 'Asks for it without showing it, unless it is piped in or made up.'
  static override examples = [
    '<%= config.bin %> user password alice@example.org',
    '<%= config.bin %> user password alice@example.org --generate',
  ]
  static override args = { address: Args.string({ required: true, description: 'Its address.' }) }
  static override flags = passwordFlags

  async run(): Promise<Changed> {
    const { args, flags } = await this.parse(UserPassword)
    const { readPassword } = await import('../../read-password.ts')
    const password = await readPassword(flags)
    const { setAccountPassword } = await import('../../../control/routes/accounts.ts')
    const input = { params: args, body: { password } }
    const changed = await this.withStore(flags.config, (client) => client.call(setAccountPassword, input))
    this.log(`The password of ${changed.address} is changed.`)
    if (flags.generate) this.log(`Password: ${password}`)
    return flags.generate ? { ...changed, password } : changed
  }
}
