import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class StoreExport extends BaseCommand {
  static override summary = 'Write the mail of an account into files that other programs read.'
  static override description =
    `mbox: a file for each mailbox, in the mboxrd form, flags in Status, X-Status and X-Keywords.
maildir: a Maildir++ with flags in the names and keywords in dovecot-keywords; Dovecot keeps the UIDs.
eml: a directory for each mailbox with a file for each message, octet for octet, and messages.json with flags and dates.

A running server goes on meanwhile, and writes the files itself: its user must be able to write there.
Exit code 1 when a message could not be read.`
  static override examples = [
    '<%= config.bin %> store export alice@example.org /tmp/alice --format maildir',
    "<%= config.bin %> store export alice@example.org ./out --format mbox --mailbox INBOX --mailbox 'Projects/2024'",
  ]
  static override args = {
    account: Args.string({ required: true, description: 'Its address.' }),
    destination: Args.string({ required: true, description: 'An empty directory; made when missing.' }),
  }
  static override flags = {
    format: Flags.option({ options: ['mbox', 'maildir', 'eml'] as const, required: true })({
      summary: 'The form of the files.',
    }),
    mailbox: Flags.string({ summary: 'One mailbox alone; may be given often.', multiple: true }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StoreExport)
    const { exportRoute } = await import('../../../control/routes/store/transfer.ts')
    const { runTask } = await import('../../run-task.ts')
    const { bytes } = await import('../../quantity.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { clean } = await import('../../table.ts')
    const { format, mailbox: mailboxes } = flags
    const body = { account: args.account, path: resolve(args.destination), format, mailboxes }
    const notes: object[] = []
    const result = await this.withStore(flags.config, (client) =>
      runTask(client, exportRoute, { body }, (note) => {
        if (this.jsonEnabled()) notes.push(note)
        else this.log(`Left out: message ${note.uid} in ${clean(`${note.mailbox}`)}: ${clean(`${note.text}`)}`)
      }),
    )
    const done = result as { mailboxes: number; messages: number; bytes: number; lost: number }
    this.log(`Exported ${done.messages} messages of ${bytes(done.bytes)} from ${done.mailboxes} mailboxes.`)
    if (done.lost > 0) setExitCode(1)
    return { ...done, notes }
  }
}
