import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import { parseSearch } from '../wire/search-keys.ts'

/** RFC 3501 section 6.4.4. */
export const search = searching('SEARCH', false)
/** RFC 3501 section 6.4.8. */
export const uidSearch = searching('UID SEARCH', true)

function searching(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    parse(args, { limits }) {
      args.space()
      const key = parseSearch(args, limits)
      args.end()
      return key
    },
    async run(key, session) {
      const view = session.selected
      await session.catchUp()
      const found = await searchMailbox(session, key)
      const { out } = session
      out.text('* SEARCH')
      for (const position of found) {
        out.text(` ${isUid ? view.uidAt(position) : position + 1}`)
        if (out.isFull) await out.room()
      }
      out.text('\r\n')
      return ok('Search completed')
    },
  })
}
