import { Flags } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

interface Done {
  readonly from: string
  readonly to: string
  readonly accounts: number
  readonly messages: number
  readonly verified: true
  readonly originals: readonly string[]
}

export default class StoreConvert extends BaseCommand {
  static override summary = 'Move all messages from one store of the config to another.'
  static override description =
    `The config names both: plugins: [level(), maildir({ path: … })]. The server must not run. UIDs, UIDVALIDITY, flags,
dates and subscriptions stay as they are, so that clients fetch nothing again. Can be interrupted at any moment and given
again. At the end everything is compared: counts, UIDs, flags, octets, subscriptions.

The originals stay. After a conversion to level, take maildir() out of the config, and remove the directories that are named when
you need them no more. After a conversion from level, --remove-originals gives their room back.`
  static override examples = [
    '<%= config.bin %> store convert --from level --to maildir',
    '<%= config.bin %> store convert --from level --to maildir --remove-originals',
    '<%= config.bin %> store convert --from maildir --to level',
    '<%= config.bin %> store convert --from maildir --to level --json',
  ]
  static override flags = {
    from: Flags.string({ summary: 'Plugin that has the messages now.', helpValue: 'PLUGIN', required: true }),
    to: Flags.string({ summary: 'Plugin that gets them.', helpValue: 'PLUGIN', required: true }),
    'remove-originals': Flags.boolean({
      summary: 'After a conversion from level: let the room of the originals be used again.',
    }),
  }

  async run(): Promise<Done | { readonly removed: number }> {
    const { flags } = await this.parse(StoreConvert)
    const config = await this.loadConfig(flags.config)
    const { refuseRunning, convert, removeOriginalsOf } = await import('../../convert-store.ts')
    refuseRunning(config)
    if (flags['remove-originals']) {
      const removed = await removeOriginalsOf(config, flags.from, flags.to)
      this.log(`${removed} originals are let go; their room comes back while the server runs.`)
      return { removed }
    }
    const done = await convert(config, flags.from, flags.to)
    this.log(`Moved ${done.messages} messages of ${done.accounts} accounts to ${flags.to}. All of them are equal.`)
    for (const place of done.originals) this.log(`Still there: ${place}`)
    if (flags.to !== 'maildir' && done.originals.length > 0)
      this.log(`Take ${flags.from}() out of the config, then start the server.`)
    return { from: flags.from, to: flags.to, ...done, verified: true }
  }
}
