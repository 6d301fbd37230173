import { ChangeQueue } from '../../change-queue.ts'
import { allFlag, filterFlags } from '../../queue-flags.ts'

export default class QueueRemove extends ChangeQueue {
  static override summary = 'Take entries out of the queue and tell nobody.'
  static override examples = ['<%= config.bin %> queue remove --domain spam.example']
  static override flags = { ...filterFlags, ...allFlag }

  async run(): Promise<{ changed: number }> {
    const { flags } = await this.parse(QueueRemove)
    return this.change('remove', 'removed', flags)
  }
}
