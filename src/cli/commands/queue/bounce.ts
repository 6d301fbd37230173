import { Flags } from '@oclif/core'
import { ChangeQueue } from '../../change-queue.ts'
import { allFlag, filterFlags } from '../../queue-flags.ts'

export default class QueueBounce extends ChangeQueue {
  static override summary = 'Give deliveries up at once and tell their senders.'
  static override examples = [
    "<%= config.bin %> queue bounce --id 01J0000000000000000000/0 --reason 'The domain is gone'",
  ]
  static override flags = { ...filterFlags, ...allFlag, reason: Flags.string({ summary: 'What the sender is told.' }) }

  async run(): Promise<{ changed: number }> {
    const { flags } = await this.parse(QueueBounce)
    return this.change('bounce', 'bounced', flags)
  }
}
