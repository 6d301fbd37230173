import { resolve } from 'node:path'
import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

interface Written {
  readonly point: string
  readonly accounts: number
  readonly messages: number
  readonly newBlobs: number
  readonly newBytes: number
  readonly missing: number
  readonly removedPoints: readonly string[]
  readonly freedBytes: number
}

export default class StoreBackup extends BaseCommand {
  static override summary = 'Back the store up into a directory: mail, accounts, aliases, the queue.'
  static override description =
    `Each backup into the same directory adds a point in time and copies only what is new; every point can be restored.
A running server goes on meanwhile, and writes the files itself: its user must be able to write there. The files hold
mail and password hashes and are readable by their owner alone. An interrupted backup never counts as one.

Exit code 1 when a message could not be read, or the backup is damaged.`
  static override examples = [
    '<%= config.bin %> store backup /var/backups/mail',
    '<%= config.bin %> store backup /var/backups/mail --keep 14',
    '<%= config.bin %> store backup /mnt/usb/alice --account alice@example.org',
    '<%= config.bin %> store backup /var/backups/mail --verify',
  ]
  static override args = {
    directory: Args.string({ required: true, description: 'Empty, or with an earlier backup.' }),
  }
  static override flags = {
    account: Flags.string({ summary: 'One account alone, by its address; may be given often.', multiple: true }),
    keep: Flags.integer({ summary: 'Keep so many points in time, the newest; all when left out.', min: 1 }),
    verify: Flags.boolean({
      summary: 'Write nothing: read the backup through and check every byte.',
      exclusive: ['account', 'keep'],
    }),
  }

  async run(): Promise<object> {
    const { args, flags } = await this.parse(StoreBackup)
    const directory = resolve(args.directory)
    return flags.verify ? this.#check(directory, flags.config) : this.#write(directory, flags)
  }

  async #write(
    directory: string,
    flags: { account?: string[] | undefined; keep?: number | undefined; config?: string | undefined },
  ) {
    const { backupRoute } = await import('../../../control/routes/store/backup.ts')
    const { runTask } = await import('../../run-task.ts')
    const { bytes } = await import('../../quantity.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { clean } = await import('../../table.ts')
    const notes: object[] = []
    const body = { directory, accounts: flags.account, keep: flags.keep }
    const result = await this.withStore(flags.config, (client) =>
      runTask(client, backupRoute, { body }, (note) => {
        if (this.jsonEnabled()) notes.push(note)
        else
          this.log(
            `Not in the backup: message ${note.uid} in ${clean(`${note.mailbox}`)} of ${note.account}: ${clean(`${note.text}`)}`,
          )
      }),
    )
    const done = result as unknown as Written
    this.log(`Backed up ${done.messages} messages of ${done.accounts} accounts as ${done.point}.`)
    this.log(`New: ${bytes(done.newBytes)} in ${done.newBlobs} messages.`)
    if (done.removedPoints.length > 0) {
      this.log(`Removed ${done.removedPoints.length} earlier points, which freed ${bytes(done.freedBytes)}.`)
    }
    if (done.missing > 0) setExitCode(1)
    return { ...done, notes }
  }

  async #check(directory: string, config: string | undefined) {
    const { checkBackupRoute } = await import('../../../control/routes/store/backup.ts')
    const { runTask } = await import('../../run-task.ts')
    const { bytes } = await import('../../quantity.ts')
    const { setExitCode } = await import('../../exit.ts')
    const { clean } = await import('../../table.ts')
    const problems: string[] = []
    const result = await this.withStore(config, (client) =>
      runTask(client, checkBackupRoute, { body: { directory } }, ({ text }) => {
        problems.push(String(text))
        this.log(clean(String(text)))
      }),
    )
    const done = result as { damages: number; points: number; blobs: number; bytes: number }
    const end = done.damages === 0 ? 'No damage.' : `${done.damages} damaged.`
    this.log(`Read ${done.points} points and ${bytes(done.bytes)} in ${done.blobs} messages. ${end}`)
    if (done.damages > 0) setExitCode(1)
    return { ok: done.damages === 0, ...done, problems }
  }
}
