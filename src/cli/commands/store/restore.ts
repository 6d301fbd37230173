import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

interface Done {
  readonly point: string
  readonly queued: number
  readonly accounts: readonly {
    readonly account: string
    readonly how: string
    readonly restored: number
    readonly present: number
    readonly lost: number
    readonly failed: string | null
  }[]
}

export default class StoreRestore extends BaseCommand {
  static override summary = 'Bring a backup, or a part of it, back.'
  static override description =
    `An account that has never had a message becomes what it was: UIDs, flags, dates, subscriptions, password. An account
that is in use keeps all it has and gets back what it misses; messages that come back are new to its clients. Works on
a running server, whose sessions see the messages at once. Can be interrupted and given again: nothing comes twice.

Messages that still waited to be sent come back with a whole restore into a store whose queue is empty; some of them may
have been sent after the backup, and are sent again. See --queue.

Exit code 1 when something could not be brought back.`
  static override examples = [
    '<%= config.bin %> store restore /var/backups/mail',
    '<%= config.bin %> store restore /var/backups/mail --account alice@example.org',
    "<%= config.bin %> store restore /var/backups/mail --account alice@example.org --mailbox 'Projects/2024'",
    '<%= config.bin %> store restore /var/backups/mail --account alice@example.org --beside Restored',
    '<%= config.bin %> store restore /var/backups/mail --at 2026-03-01T02-00-00-000Z',
  ]
  static override args = { directory: Args.string({ required: true, description: 'Where the backup is.' }) }
  static override flags = {
    account: Flags.string({ summary: 'One account alone, by its address; may be given often.', multiple: true }),
    mailbox: Flags.string({
      summary: 'One mailbox alone; may be given often.',
      multiple: true,
      dependsOn: ['account'],
    }),
    at: Flags.string({
      summary: 'A point in time, as store backup named it; the newest when left out.',
      helpValue: 'POINT',
    }),
    beside: Flags.string({
      summary: 'Bring mailboxes back below this name, beside those that are there, instead of into them.',
      helpValue: 'NAME',
    }),
    queue: Flags.option({ options: ['auto', 'yes', 'held', 'no'] as const })({
      summary: 'Messages that waited to be sent: back in the queue, held there, or left out.',
      default: 'auto',
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StoreRestore)
    const { restoreRoute } = await import('../../../control/routes/store/backup.ts')
    const { runTask } = await import('../../run-task.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { clean, table } = await import('../../table.ts')
    const { account: accounts, mailbox: mailboxes, at, beside, queue } = flags
    const body = { directory: resolve(args.directory), accounts, mailboxes, at, beside, queue }
    const lost: object[] = []
    const result = await this.withStore(flags.config, (client) =>
      runTask(client, restoreRoute, { body }, (note) => {
        if (this.jsonEnabled()) lost.push(note)
        else
          this.log(
            `Lost: message ${note.uid} in ${clean(`${note.mailbox}`)} of ${note.account}: ${clean(`${note.text}`)}`,
          )
      }),
    )
    const done = result as unknown as Done
    this.log(`From ${done.point}:`)
    this.log(
      table(done.accounts, [
        { title: 'ACCOUNT', of: (one) => one.account },
        { title: 'RESTORED', of: (one) => one.restored, align: 'right' },
        { title: 'THERE ALREADY', of: (one) => one.present, align: 'right' },
        { title: 'LOST', of: (one) => one.lost, align: 'right' },
        { title: '', of: (one) => one.failed ?? one.how },
      ]),
    )
    if (done.queued > 0) this.log(`${done.queued} messages are in the queue again.`)
    if (done.accounts.some((one) => one.lost > 0 || one.failed !== null)) setExitCode(1)
    return { ...done, notes: lost }
  }
}
