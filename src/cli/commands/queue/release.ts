import { ChangeQueue } from '../../change-queue.ts'
import { allFlag, filterFlags } from '../../queue-flags.ts'

export default class QueueRelease extends ChangeQueue {
  static override summary = 'Let held entries be tried again.'
  static override examples = ['<%= config.bin %> queue release --state held --all']
  static override flags = { ...filterFlags, ...allFlag }

  async run(): Promise<{ changed: number }> {
    const { flags } = await this.parse(QueueRelease)
    return this.change('release', 'released', flags)
  }
}
