import type { QueueChange } from '../control/routes/queue.ts'
import { BaseCommand } from './base-command.ts'
import { filterOf, requireFilter } from './queue-flags.ts'

type Filter = Parameters<typeof filterOf>[0]

/** A command that changes what is in the queue. */
export abstract class ChangeQueue extends BaseCommand {
  /** @param verb what was done, for a person: `held` */
  protected async change(
    name: QueueChange,
    verb: string,
    flags: Filter & {
      readonly all: boolean
      readonly config?: string | undefined
      readonly reason?: string | undefined
    },
  ): Promise<{ changed: number; delivering: number }> {
    const filter = filterOf(flags)
    requireFilter(filter, flags.all)
    const { changeQueue } = await import('../control/routes/queue.ts')
    const body = { ...filter, all: flags.all, ...(flags.reason !== undefined && { reason: flags.reason }) }
    const done = await this.withStore(flags.config, (client) => client.call(changeQueue[name], { body }))
    this.log(`${done.changed} ${done.changed === 1 ? 'recipient' : 'recipients'} ${verb}.`)
    if (done.delivering > 0) {
      this.log(`${done.delivering} in delivery at this moment: ${verb} when the attempt ends, unless it delivers.`)
    }
    return done
  }
}
