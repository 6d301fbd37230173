import { type Command, command, SELECTED } from '../command.ts'
import { no, ok } from '../completion.ts'
import { changedAfter } from '../fetch/changed-after.ts'
import { fetchMessages } from '../fetch/fetch-messages.ts'
import { fetchRequest } from '../fetch/fetch-request.ts'
import { positionsOf } from '../known-messages.ts'
import { completeLimited, limitMessages, TooManyMessages } from '../message-limit.ts'
import { vanishedSince } from '../vanished.ts'
import { type FetchItem, parseFetchItems } from '../wire/fetch-items.ts'
import { parseFetchModifiers } from '../wire/modifiers.ts'
import { extentOf, windowOf } from '../wire/return-options.ts'
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
    usesNumbers: !isUid,
    parse(args, { limits, enabled }) {
      args.space()
      const set = parseSequenceSet(args)
      args.space()
      const items = parseFetchItems(args, limits.items)
      const modifiers = parseFetchModifiers(args)
      args.end()
      const isEarlier = modifiers.vanished
      if (isEarlier && !(isUid && modifiers.changedSince !== undefined && enabled.has('QRESYNC'))) {
        throw new SyntaxFault('VANISHED goes with UID FETCH, CHANGEDSINCE and QRESYNC')
      }
      // RFC 9394 section 3.3: sequence numbers are windows enough.
      if (modifiers.partial !== undefined && !isUid) throw new SyntaxFault('PARTIAL goes with UID FETCH')
      const isChanged = modifiers.changedSince !== undefined
      const all: readonly FetchItem[] = isChanged && !items.includes('MODSEQ') ? [...items, 'MODSEQ'] : items
      // RFC 9586 section 3.3: there the response begins with the UID.
      return { set, modifiers, request: fetchRequest(all, isUid && !enabled.has('UIDONLY')) }
    },
    async run({ set, modifiers, request }, session) {
      if (request.state.includes('MODSEQ')) session.enableCondstore()
      const { changedSince, partial } = modifiers
      // RFC 9738 section 3.1: whoever asks for a window asks for all of it.
      if (partial !== undefined && extentOf(partial) > session.messageLimit)
        throw new TooManyMessages(session.messageLimit)
      let positions = await positionsOf(session, set, isUid)
      // RFC 9394 section 3.4: of the window, what has changed.
      if (partial !== undefined) positions = Uint32Array.from(windowOf([...positions], partial))
      if (changedSince !== undefined) positions = changedAfter(session.selected, positions, changedSince)
      if (changedSince !== undefined && modifiers.vanished) {
        const vanished = await vanishedSince(session.services.store, session.selected, set, changedSince)
        if (vanished !== '') session.out.untagged(`VANISHED (EARLIER) ${vanished}`)
      }
      const limited = limitMessages(session, positions)
      // RFC 9738 section 3.1: from the newest down, so that whoever loses the connection has everything above some UID.
      const ordered = limited.code === undefined ? limited.positions : limited.positions.toReversed()
      const gone = await fetchMessages(session, ordered, request)
      // RFC 2180 section 4.1.2: what is there was sent, and the client learns why not all was.
      const isGone = gone > 0 && !isUid
      const completion = isGone ? no('Some of the messages are gone', 'EXPUNGEISSUED') : ok('Fetch completed')
      return completeLimited(session, completion, limited.code)
    },
  })
}
