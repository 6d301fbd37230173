import { CAPABILITIES } from '../capability-table.ts'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'

/** Extensions that must be switched on by their client, by their names in capitals. */
const ENABLABLE: ReadonlyMap<string, string> = new Map(
  CAPABILITIES.filter(({ isEnablable }) => isEnablable).map(({ name }) => [name.toUpperCase(), name]),
)

/** RFC 5161 section 3.1: names that are not known, or need no switching on, are passed over. */
export const enable = command({
  name: 'ENABLE',
  states: LOGGED_IN,
  parse(args) {
    const names: string[] = []
    do {
      args.space()
      names.push(args.word())
    } while (!args.isAtEnd)
    return names
  },
  async run(names, session) {
    const added = new Set(
      names.flatMap((word) => {
        const name = ENABLABLE.get(word)
        return name !== undefined && session.offer.has(name) && !session.enabled.has(name) ? [name] : []
      }),
    )
    for (const name of added) session.enable(name)
    // RFC 5464 section 4.1: annotations that others change are told from now on.
    if (added.has('METADATA')) await session.startNotifying().enable(['MailboxMetadataChange', 'ServerMetadataChange'])
    else if (added.has('METADATA-SERVER')) await session.startNotifying().enable(['ServerMetadataChange'])
    session.out.untagged(['ENABLED', ...added].join(' '))
    return ok('Enabled')
  },
})
