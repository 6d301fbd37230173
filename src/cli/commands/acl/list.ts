import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class AclList extends BaseCommand {
  static override summary = 'List what an account shares, and with whom.'
  static override examples = ['<%= config.bin %> acl list alice@example.org']
  static override args = {
    owner: Args.string({ required: true, description: 'The account whose mailboxes they are.' }),
  }

  async run() {
    const { args, flags } = await this.parse(AclList)
    const { listAcls } = await import('../../../control/routes/acls.ts')
    const params = { address: args.owner }
    const found = await this.withStore(flags.config, (client) => client.call(listAcls, { params }))
    const { renderAcl } = await import('../../render-acl.ts')
    this.log(renderAcl(found.entries))
    return found
  }
}
