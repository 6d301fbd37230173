import { Args } from '@oclif/core'
import { BaseCommand } from '../../base-command.ts'

interface Paused {
  readonly all: boolean
  readonly destinations: readonly string[]
}

export default class QueuePause extends BaseCommand {
  static override summary = 'Stop all delivery attempts, or those to one destination, until resumed.'
  static override description = 'Kept over a restart. Mail is accepted and queued as before.'
  static override examples = ['<%= config.bin %> queue pause', '<%= config.bin %> queue pause example.net']
  static override args = { destination: Args.string({ description: 'A domain; everything when left out.' }) }

  async run(): Promise<Paused> {
    const { args, flags } = await this.parse(QueuePause)
    const { pauseQueue } = await import('../../../control/routes/queue.ts')
    const body = args.destination === undefined ? {} : { destination: args.destination }
    const paused = await this.withStore(flags.config, (client) => client.call(pauseQueue, { body }))
    const { renderPaused } = await import('../../render-queue.ts')
    this.log(renderPaused(paused))
    return paused
  }
}
