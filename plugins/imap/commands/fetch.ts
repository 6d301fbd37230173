import { type Command, command, SELECTED } from '../command.ts'
import { no, ok } from '../completion.ts'
import { fetchMessages } from '../fetch/fetch-messages.ts'
import { fetchRequest } from '../fetch/fetch-request.ts'
import { parseFetchItems } from '../wire/fetch-items.ts'
import { parseSequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 3501 section 6.4.5. */
export const fetch = fetching('FETCH', false)
/** RFC 3501 section 6.4.8. */
export const uidFetch = fetching('UID FETCH', true)

function fetching(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    parse(args, { limits }) {
      args.space()
      const set = parseSequenceSet(args)
      args.space()
      const items = parseFetchItems(args, limits.items)
      args.end()
      if (items.includes('MODSEQ')) throw new SyntaxFault('No such data item')
      return { set, request: fetchRequest(items, isUid) }
    },
    async run({ set, request }, session) {
      const positions = await session.positions(set, isUid)
      const gone = await fetchMessages(session, positions, request)
      // RFC 2180 section 4.1.2: what is there was sent, and the client learns why not all was.
      if (gone > 0 && !isUid) return no('Some of the messages are gone', 'EXPUNGEISSUED')
      return ok('Fetch completed')
    },
  })
}
