import { Args } from '@oclif/core'
import type { QueueEntryView } from '../../../control/routes/queue.ts'
import { BaseCommand } from '../../base-command.ts'

export default class QueueShow extends BaseCommand {
  static override summary = 'Show a queued message and each of its recipients that still wait.'
  static override examples = ['<%= config.bin %> queue show 01J0000000000000000000']
  static override args = {
    id: Args.string({ required: true, description: 'A message, or one of its recipients as <message>/<index>.' }),
  }

  async run(): Promise<{ entries: readonly QueueEntryView[] }> {
    const { args, flags } = await this.parse(QueueShow)
    const { showQueued } = await import('../../../control/routes/queue.ts')
    const found = await this.withStore(flags.config, (client) => client.call(showQueued, { params: { id: args.id } }))
    const { renderEntry } = await import('../../render-queue.ts')
    this.log(found.entries.map(renderEntry).join('\n\n'))
    return found
  }
}
