import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { leavesOf } from '../search/evaluate.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import type { Session } from '../session.ts'
import { parseReturnOptions, type ReturnOption } from '../wire/return-options.ts'
import { parseSearch } from '../wire/search-keys.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'

/** RFC 3501 section 6.4.4. */
export const search = searching('SEARCH', false)
/** RFC 3501 section 6.4.8. */
export const uidSearch = searching('UID SEARCH', true)

interface Found {
  /** Sequence numbers or UIDs, rising. */
  readonly numbers: readonly number[]
  /** The highest mod-sequence among them, when the search asks for mod-sequences. */
  readonly modSeq: number | undefined
}

function searching(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    parse(args, { limits }) {
      args.space()
      const options = parseReturnOptions(args)
      const key = parseSearch(args, limits)
      args.end()
      return { key, options }
    },
    async run({ key, options }, session) {
      const view = session.selected
      const isModSeq = leavesOf(key).some(({ kind }) => kind === 'modseq')
      if (isModSeq) session.enableCondstore()
      await session.catchUp()
      const positions = await searchMailbox(session, key)
      const numbers = positions.map((position) => (isUid ? view.uidAt(position) : position + 1))
      const found = { numbers, modSeq: isModSeq ? highestModSeq(session, positions) : undefined }
      if (options === undefined) await tellFound(session, found)
      else tellExtended(session, found, options, isUid)
      return ok('Search completed')
    },
  })
}

/** RFC 7162 section 3.1.5: the highest mod-sequence of what was found. */
function highestModSeq({ selected: view }: Session, positions: readonly number[]): number | undefined {
  const modSeqs = positions.map((position) => {
    const row = view.rowAt(position)
    return row === -1 ? 0 : view.mirror.columns.modSeqAt(row)
  })
  return modSeqs.length === 0 ? undefined : modSeqs.reduce((highest, modSeq) => Math.max(highest, modSeq))
}

async function tellFound({ out }: Session, { numbers, modSeq }: Found): Promise<void> {
  out.text('* SEARCH')
  for (const number of numbers) {
    out.text(` ${number}`)
    if (out.isFull) await out.room()
  }
  out.text(modSeq === undefined ? '\r\n' : ` (MODSEQ ${modSeq})\r\n`)
}

/** RFC 4731 section 3.1: what is not there is left out, but for COUNT. */
function tellExtended(
  { out, tag }: Session,
  { numbers, modSeq }: Found,
  options: ReadonlySet<ReturnOption>,
  isUid: boolean,
): void {
  const data = [`ESEARCH (TAG "${tag}")`]
  if (isUid) data.push('UID')
  if (numbers.length > 0) {
    if (options.has('MIN')) data.push(`MIN ${numbers[0]}`)
    if (options.has('MAX')) data.push(`MAX ${numbers.at(-1)}`)
    if (options.has('ALL')) data.push(`ALL ${formatSequenceSet(numbers)}`)
  }
  if (options.has('COUNT')) data.push(`COUNT ${numbers.length}`)
  if (modSeq !== undefined) data.push(`MODSEQ ${modSeq}`)
  out.untagged(data.join(' '))
}
