import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

interface Paused {
  readonly all: boolean
  readonly destinations: readonly string[]
}

export default class QueueResume extends BaseCommand {
  static override summary = 'Let delivery attempts go on.'
  static override description = 'Kept over a restart. Mail is accepted and queued as before.'
  static override examples = ['<%= config.bin %> queue resume', '<%= config.bin %> queue resume example.net']
  static override args = { destination: Args.string({ description: 'A domain; everything when left out.' }) }

  async run(): Promise<Paused> {
    const { args, flags } = await this.parse(QueueResume)
    const { resumeQueue } = await import('../../../control/routes/queue.ts')
    const body = args.destination === undefined ? {} : { destination: args.destination }
    const paused = await this.withStore(flags.config, (client) => client.call(resumeQueue, { body }))
    const { renderPaused } = await import('../../render-queue.ts')
    this.log(renderPaused(paused))
    return paused
  }
}
