import { ChangeQueue } from '../../change-queue.ts'
import { allFlag, filterFlags } from '../../queue-flags.ts'

export default class QueueHold extends ChangeQueue {
  static override summary = 'Keep entries in the queue without trying them.'
  static override examples = ['<%= config.bin %> queue hold --sender alice@example.org']
  static override flags = { ...filterFlags, ...allFlag }

  async run(): Promise<{ changed: number }> {
    const { flags } = await this.parse(QueueHold)
    return this.change('hold', 'held', flags)
  }
}
