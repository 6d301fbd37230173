import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class AclRemove extends BaseCommand {
  static override summary = 'Share a mailbox with somebody no longer.'
  static override examples = ['<%= config.bin %> acl remove alice@example.org Team bob@example.org']
  static override args = {
    owner: Args.string({ required: true, description: 'The account whose mailbox it is.' }),
    mailbox: Args.string({ required: true, description: 'The mailbox, as its owner names it.' }),
    subject: Args.string({ required: true, description: "Whom it was shared with: an address, or 'anyone'." }),
  }
  static override flags = {
    deny: Flags.boolean({ description: 'Remove what was denied, and not what was given.' }),
  }

  async run() {
    const { args, flags } = await this.parse(AclRemove)
    const { changeAcl } = await import('../../../control/routes/acls.ts')
    const { mailbox, subject } = args
    const request = {
      params: { address: args.owner },
      body: { mailbox, subject, rights: '', isNegative: flags.deny },
    }
    const changed = await this.withStore(flags.config, (client) => client.call(changeAcl, request))
    this.log(`${mailbox} is shared with ${subject} no longer.`)
    return changed
  }
}
