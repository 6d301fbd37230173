import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

export default class StoreImport extends BaseCommand {
  static override summary = 'Bring mail from mbox files, a Maildir or .eml files into an account.'
  static override description =
    `Flags, keywords, dates and names of folders are kept. Messages that are in the mailbox already are passed over, so an
import that was interrupted is simply given again. Line ends become CRLF, as mail has them. Works on a running server,
which reads the files itself, and whose sessions see the messages at once. Quotas are kept.

Exit code 1 when something was left out.`
  static override examples = [
    '<%= config.bin %> store import alice@example.org /home/alice/Maildir',
    '<%= config.bin %> store import alice@example.org ./archive.mbox --mailbox Archive/2019',
    '<%= config.bin %> store import alice@example.org ./export --into Imported',
  ]
  static override args = {
    account: Args.string({ required: true, description: 'Its address.' }),
    source: Args.string({
      required: true,
      description: 'An mbox file, a Maildir, or a directory of mbox or .eml files.',
    }),
  }
  static override flags = {
    format: Flags.option({ options: ['mbox', 'maildir', 'eml'] as const })({
      summary: 'The form of the files; found out when left out.',
    }),
    into: Flags.string({ summary: 'Bring everything below this mailbox.', helpValue: 'NAME' }),
    mailbox: Flags.string({ summary: 'The mailbox for a single mbox file; named after the file when left out.' }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StoreImport)
    const { importRoute } = await import('../../../control/routes/store/transfer.ts')
    const { runTask } = await import('../../run-task.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { clean } = await import('../../table.ts')
    const { format, into, mailbox } = flags
    const body = { account: args.account, path: resolve(args.source), format, into, mailbox }
    const notes: object[] = []
    const result = await this.withStore(flags.config, (client) =>
      runTask(client, importRoute, { body }, (note) => {
        if (this.jsonEnabled()) notes.push(note)
        else this.log(`Left out: ${clean(`${note.source}`)}: ${clean(`${note.text}`)}`)
      }),
    )
    const done = result as { mailboxes: number; imported: number; present: number; skipped: number }
    this.log(`Imported ${done.imported} messages into ${done.mailboxes} mailboxes; ${done.present} were there already.`)
    if (done.skipped > 0 || notes.length > 0) setExitCode(1)
    return { ...done, notes }
  }
}
