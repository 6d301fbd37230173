import { Args, Flags } from '@oclif/core'
import type { JourneyView } from '../../control/routes/journeys.ts'
import { UserError } from '../../errors/user-error.ts'
import { BaseCommand } from '../base-command.ts'

const KEPT = 'A journey is kept for 30 days after its last event'

export default class Trace extends BaseCommand {
  static override summary = 'Show the way of a message, from its connection to its last attempt.'
  static override examples = [
    '<%= config.bin %> trace alice@example.org',
    "<%= config.bin %> trace '<1234@client.example>'",
  ]
  static override args = {
    query: Args.string({
      required: true,
      description: 'Id of the message, its Message-ID, or an address of sender or recipient.',
    }),
  }
  static override flags = {
    limit: Flags.integer({ char: 'n', summary: 'Messages at most, newest first.', default: 10, min: 1, max: 1000 }),
  }

  async run(): Promise<{ journeys: readonly JourneyView[] }> {
    const { args, flags } = await this.parse(Trace)
    const { findJourneys } = await import('../../control/routes/journeys.ts')
    const query = { query: args.query, limit: flags.limit }
    const found = await this.withStore(flags.config, (client) => client.call(findJourneys, { query }))
    const { renderJourney } = await import('../render-journey.ts')
    if (found.journeys.length === 0) {
      throw new UserError(`No message is known by ${args.query}.`, {
        nextSteps: ['Ask by the id in its 250 answer, its Message-ID, or an address of its envelope', KEPT],
      })
    }
    this.log(found.journeys.map(renderJourney).join('\n\n'))
    return found
  }
}
