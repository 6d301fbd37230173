import { Flags } from '@oclif/core'
import type { SessionView } from '../../control/server-status.ts'
import { BaseCommand } from '../base-command.ts'

export default class Sessions extends BaseCommand {
  static override summary = 'List the sessions in progress.'
  static override examples = [
    '<%= config.bin %> sessions',
    '<%= config.bin %> sessions --protocol imap --account alice@example.org',
  ]
  static override flags = {
    protocol: Flags.string({ summary: 'Sessions of one protocol: smtp, submission, imap, …' }),
    account: Flags.string({ summary: 'Sessions of one account.' }),
    limit: Flags.integer({ summary: 'Show so many at most.', default: 1000, min: 1, max: 10_000 }),
  }

  async run(): Promise<{ sessions: readonly SessionView[]; total: number }> {
    const { flags } = await this.parse(Sessions)
    const { listSessions } = await import('../../control/routes/server.ts')
    const { protocol, account, limit } = flags
    const found = await this.withServer(flags.config, (client) =>
      client.call(listSessions, { query: { protocol, account, limit } }),
    )
    const { span } = await import('../quantity.ts')
    const { table } = await import('../table.ts')
    const now = Date.now()
    if (found.total === 0) this.log('No sessions.')
    else {
      this.log(
        table(found.sessions, [
          { title: 'ID', of: ({ id }) => id },
          { title: 'PROTOCOL', of: (one) => one.protocol },
          { title: 'FROM', of: ({ remoteAddress }) => remoteAddress },
          { title: 'ACCOUNT', of: (one) => one.account },
          { title: 'STATE', of: ({ state }) => state },
          { title: 'TLS', of: ({ tls }) => (tls ? 'yes' : 'no') },
          { title: 'OPEN', of: ({ openedAt }) => span(now - openedAt), align: 'right' },
          { title: 'WORKER', of: ({ worker }) => worker, align: 'right' },
        ]),
      )
      if (found.total > found.sessions.length) this.log(`… and ${found.total - found.sessions.length} more (--limit)`)
    }
    return found
  }
}
