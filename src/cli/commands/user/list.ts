import type { AccountView } from '../../../control/routes/accounts.ts'
import { BaseCommand } from '../../base-command.ts'

export default class UserList extends BaseCommand {
  static override summary = 'List all accounts.'
  static override examples = ['<%= config.bin %> user list']

  async run(): Promise<{ accounts: readonly AccountView[] }> {
    const { flags } = await this.parse(UserList)
    const { listAccounts } = await import('../../../control/routes/accounts.ts')
    const found = await this.withStore(flags.config, (client) => client.call(listAccounts))
    const { renderAccounts } = await import('../../render-account.ts')
    this.log(found.accounts.length === 0 ? 'There are no accounts.' : renderAccounts(found.accounts))
    return found
  }
}
