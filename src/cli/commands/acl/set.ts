import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class AclSet extends BaseCommand {
  static override summary = 'Share a mailbox: say what somebody may do with it.'
  static override description =
    `Rights are letters (RFC 4314): l see it, r read it, s mark as seen, w change other flags, i put messages in,
p post to it, k make mailboxes below it, x delete it, t mark messages as deleted, e expunge them, a administer.`
  static override examples = [
    '<%= config.bin %> acl set alice@example.org Team bob@example.org lrsw',
    '<%= config.bin %> acl set public@example.org News anyone lr',
    '<%= config.bin %> acl set alice@example.org Team bob@example.org te --add',
  ]
  static override args = {
    owner: Args.string({ required: true, description: 'The account whose mailbox it is.' }),
    mailbox: Args.string({ required: true, description: 'The mailbox, as its owner names it.' }),
    subject: Args.string({ required: true, description: "Whom it is shared with: an address, or 'anyone'." }),
    rights: Args.string({ required: true, description: 'The rights.' }),
  }
  static override flags = {
    add: Flags.boolean({ description: 'Add to the rights there are.', exclusive: ['take'] }),
    take: Flags.boolean({ description: 'Take from the rights there are.' }),
    deny: Flags.boolean({ description: 'Deny the rights, whatever other entries give.' }),
  }

  async run() {
    const { args, flags } = await this.parse(AclSet)
    const { changeAcl } = await import('../../../control/routes/acls.ts')
    const { mailbox, subject, rights } = args
    const mode = flags.add ? 'add' : flags.take ? 'remove' : 'replace'
    const request = {
      params: { address: args.owner },
      body: { mailbox, subject, rights, mode, isNegative: flags.deny } as const,
    }
    const changed = await this.withStore(flags.config, (client) => client.call(changeAcl, request))
    const { renderAcl } = await import('../../render-acl.ts')
    this.log(renderAcl(changed.entries.filter((entry) => entry.mailbox === mailbox)))
    return changed
  }
}
