import { BaseCommand } from '../../base-command.ts'

export default class StoreCompact extends BaseCommand {
  static override summary = 'Give back the room of deleted messages now.'
  static override description =
    'The server does this by itself as it goes. Reads and writes go on meanwhile, and Ctrl-C loses nothing.'
  static override examples = ['<%= config.bin %> store compact']

  async run(): Promise<object> {
    const { flags } = await this.parse(StoreCompact)
    const { compactRoute } = await import('../../../control/routes/store/stats.ts')
    const { runTask } = await import('../../run-task.ts')
    const { bytes } = await import('../../quantity.ts')
    const done = await this.withStore(flags.config, (client) => runTask(client, compactRoute, { body: {} }))
    const { isNeeded, freedBytes, movedBlobs } = done as { isNeeded: boolean; freedBytes: number; movedBlobs: number }
    this.log(
      isNeeded
        ? `Freed ${bytes(freedBytes)}; ${movedBlobs} messages were moved together for it.`
        : 'The storage of this config gives back room by itself: there is nothing to compact.',
    )
    return done
  }
}
