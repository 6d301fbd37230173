import { Flags } from '@oclif/core'
import type { QueueEntryView } from '../../../control/routes/queue.ts'
import { BaseCommand } from '../../base-command.ts'
import { filterFlags, filterOf } from '../../queue-flags.ts'

const PAGE = 500

export default class QueueList extends BaseCommand {
  static override summary = 'List the recipients that wait for delivery to other servers.'
  static override examples = [
    '<%= config.bin %> queue list',
    '<%= config.bin %> queue list --domain example.net --state waiting --json',
  ]
  static override flags = {
    ...filterFlags,
    limit: Flags.integer({ char: 'n', summary: 'Show so many at most; 0 for all.', default: 1000, min: 0 }),
  }

  async run(): Promise<{ entries: readonly QueueEntryView[]; isComplete: boolean }> {
    const { flags } = await this.parse(QueueList)
    const { listQueue } = await import('../../../control/routes/queue.ts')
    const { renderQueue } = await import('../../render-queue.ts')
    const most = flags.limit === 0 ? Number.POSITIVE_INFINITY : flags.limit
    const entries: QueueEntryView[] = []
    let shown = 0
    let isComplete = true
    await this.withStore(flags.config, async (client) => {
      const query = { ...filterOf(flags), limit: Math.min(PAGE, most) }
      for await (const page of client.pages(listQueue, query)) {
        const wanted = page.entries.slice(0, most - shown)
        shown += wanted.length
        // A table is printed page by page: a long queue is never in memory as a whole.
        if (this.jsonEnabled()) entries.push(...wanted)
        else if (wanted.length > 0) this.log(renderQueue(wanted))
        isComplete = page.next === null && wanted.length === page.entries.length
        if (shown >= most) break
      }
    })
    if (shown === 0) this.log('Nothing waits.')
    else if (!isComplete) this.log(`… and more (--limit)`)
    return { entries, isComplete }
  }
}
