import { ChangeQueue } from '../../change-queue.ts'
import { allFlag, filterFlags } from '../../queue-flags.ts'

export default class QueueRetry extends ChangeQueue {
  static override summary = 'Try deliveries again now.'
  static override description = 'They are marked as due; a running server sends them.'
  static override examples = ['<%= config.bin %> queue retry --domain example.net']
  static override flags = { ...filterFlags, ...allFlag }

  async run(): Promise<{ changed: number }> {
    const { flags } = await this.parse(QueueRetry)
    return this.change('retry', 'tried again now', flags)
  }
}
