import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { expectUpdates, followResults } from '../contexts/follow-results.ts'
import { findMessages, highestModSeq } from '../search/find-messages.ts'
import { relevanciesFor } from '../search/relevancy.ts'
import { tellExtended, tellNumbers } from '../search/tell-found.ts'
import { parseReturnOptions, type ReturnOptions } from '../wire/return-options.ts'
import { parseSearch } from '../wire/search-keys.ts'

/** RFC 3501 section 6.4.4. */
export const search = searching('SEARCH', false)
/** RFC 3501 section 6.4.8. */
export const uidSearch = searching('UID SEARCH', true)

/** RFC 9051 section 6.4.4: results are told by ESEARCH alone. */
const ALL: ReturnOptions = { names: new Set(['ALL']) }

function searching(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    usesNumbers: !isUid,
    parse(args, { limits, isRev2 }) {
      args.space()
      const options = parseReturnOptions(args, 'SEARCH', limits.items) ?? (isRev2 ? ALL : undefined)
      const key = parseSearch(args, limits)
      args.end()
      return { key, options, relevancies: relevanciesFor(key, options) }
    },
    async run(query, session) {
      const { key, options, relevancies } = query
      const { saved } = session
      expectUpdates(session, options)
      const { positions, code } = await findMessages(session, query)
      const modSeq = highestModSeq(session, key, positions)
      const found = { positions, modSeq, scores: relevancies?.byPosition }
      if (options === undefined) await tellNumbers(session, 'SEARCH', found, isUid)
      else tellExtended(session, found, options, isUid)
      followResults(session, { key, options, isUid, positions, code }, saved)
      return ok('Search completed', code)
    },
  })
}
