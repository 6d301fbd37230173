import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { expectUpdates, followResults } from '../contexts/follow-results.ts'
import { findAll, highestModSeq } from '../search/find-messages.ts'
import { relevanciesFor } from '../search/relevancy.ts'
import { sortMessages } from '../search/sort-messages.ts'
import { tellExtended, tellNumbers } from '../search/tell-found.ts'
import { parseReturnOptions } from '../wire/return-options.ts'
import { parseSearchCriteria } from '../wire/search-keys.ts'
import { parseSortCriteria } from '../wire/sort-criteria.ts'

/** RFC 5256 section 3, with the results of RFC 5267 section 3. */
export const sort = sorting('SORT', false)
export const uidSort = sorting('UID SORT', true)

function sorting(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    usesNumbers: !isUid,
    parse(args, { limits }) {
      args.space()
      const options = parseReturnOptions(args, 'SORT', limits.items)
      const criteria = parseSortCriteria(args)
      args.space()
      const key = parseSearchCriteria(args, limits)
      args.end()
      return { options, criteria, key, relevancies: relevanciesFor(key, options, criteria) }
    },
    async run(query, session) {
      const { options, criteria, key, relevancies } = query
      const { saved } = session
      expectUpdates(session, options)
      const { positions, ordering } = await findAll(session, query)
      const scores = relevancies?.byPosition
      const sorted = await sortMessages(session, positions, criteria, { scores, onProgress: ordering })
      const found = { positions: sorted.positions, modSeq: highestModSeq(session, key, sorted.positions), scores }
      if (options === undefined) await tellNumbers(session, 'SORT', found, isUid)
      else tellExtended(session, found, options, isUid)
      followResults(session, { key, options, isUid, positions, sorted: { ...sorted, criteria } }, saved)
      return ok('Sort completed')
    },
  })
}
