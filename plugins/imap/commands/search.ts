import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { limitMessages } from '../message-limit.ts'
import { leavesOf } from '../search/evaluate.ts'
import { asksFuzzily, Relevancies } from '../search/relevancy.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import { tellExtended, tellNumbers } from '../search/tell-found.ts'
import type { Session } from '../session.ts'
import { UidRequired } from '../uid-only.ts'
import { parseReturnOptions, type ReturnOptions } from '../wire/return-options.ts'
import { parseSearch, type SearchKey } from '../wire/search-keys.ts'
import { SAVED } from '../wire/sequence-set.ts'
import type { SortCriterion } from '../wire/sort-criteria.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

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
      const options = parseReturnOptions(args) ?? (isRev2 ? ALL : undefined)
      const key = parseSearch(args, limits)
      args.end()
      return { key, options, relevancies: relevanciesFor(key, options) }
    },
    async run({ key, options, relevancies }, session) {
      const matching = await findPositions(session, key, options, relevancies)
      const { positions, code } = limitMessages(session, matching)
      const modSeq = highestModSeq(session, key, positions)
      const found = { positions, modSeq, scores: relevancies?.byPosition }
      if (options === undefined) await tellNumbers(session, 'SEARCH', found, isUid)
      else tellExtended(session, found, options, isUid)
      return ok('Search completed', code)
    },
  })
}

/**
 * Takes the relevancy of what is found, when somebody wants it.
 * @throws SyntaxFault when nothing is asked for fuzzily (RFC 6203 sections 4 and 6)
 */
export function relevanciesFor(
  key: SearchKey,
  options: ReturnOptions | undefined,
  criteria: readonly SortCriterion[] = [],
): Relevancies | undefined {
  if (!options?.names.has('RELEVANCY') && criteria.every((one) => one.key !== 'RELEVANCY')) return undefined
  if (!asksFuzzily(key)) throw new SyntaxFault('RELEVANCY goes with FUZZY')
  return new Relevancies(key)
}

/** Rising positions of what meets the condition, new messages among them. */
export async function findPositions(
  session: Session,
  key: SearchKey,
  options?: ReturnOptions,
  relevancies?: Relevancies,
): Promise<readonly number[]> {
  if (session.isUidOnly && leavesOf(key).some((leaf) => leaf.kind === 'sequence' && leaf.set !== SAVED))
    throw new UidRequired()
  try {
    if (asksForModSeq(key)) session.enableCondstore()
    await session.catchUp()
    return await searchMailbox(session, key, { relevancies })
  } catch (cause) {
    // RFC 5182 section 2.1: a search that fails leaves nothing behind.
    if (options?.names.has('SAVE')) session.saved = new Set()
    throw cause
  }
}

export const asksForModSeq = (key: SearchKey): boolean => leavesOf(key).some(({ kind }) => kind === 'modseq')

/** RFC 7162 section 3.1.5: the highest mod-sequence of what was found, for a search that asks for mod-sequences. */
export function highestModSeq(
  { selected: view }: Pick<Session, 'selected'>,
  key: SearchKey,
  positions: readonly number[],
): number | undefined {
  if (!asksForModSeq(key) || positions.length === 0) return undefined
  let highest = 0
  for (const position of positions) {
    const row = view.rowAt(position)
    if (row !== -1) highest = Math.max(highest, view.mirror.columns.modSeqAt(row))
  }
  return highest
}
