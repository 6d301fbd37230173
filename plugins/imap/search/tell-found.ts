import type { Session } from '../session.ts'
import { formatPartialRange, type ReturnOptions, windowOf } from '../wire/return-options.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'

/** What a search or a sort has found. */
export interface Found {
  /** Positions in the order of the results. */
  readonly positions: readonly number[]
  /** The highest mod-sequence among them, when mod-sequences are asked for. */
  readonly modSeq: number | undefined
}

/** `* SEARCH 1 2 3` or `* SORT …` (RFC 3501 section 7.2.5, RFC 5256 section 4). */
export async function tellNumbers(session: Session, name: string, found: Found, isUid: boolean): Promise<void> {
  const { out, selected: view } = session
  out.text(`* ${name}`)
  for (const position of found.positions) {
    out.text(` ${isUid ? view.uidAt(position) : position + 1}`)
    if (out.isFull) await out.room()
  }
  out.text(found.modSeq === undefined ? '\r\n' : ` (MODSEQ ${found.modSeq})\r\n`)
}

/**
 * ESEARCH (RFC 4731 section 3.1): what is not there is left out, but for COUNT. Results that SAVE keeps are kept. With SAVE
 * alone nothing is told (RFC 5182 section 2.1).
 */
export function tellExtended(session: Session, found: Found, options: ReturnOptions, isUid: boolean): void {
  const { out, tag, selected: view } = session
  const { names, partial } = options
  if (names.has('SAVE')) session.saved = savedOf(session, found, options)
  if (names.size === 1 && names.has('SAVE') && partial === undefined) return
  const numberOf = (position: number) => (isUid ? view.uidAt(position) : position + 1)
  const numbers = found.positions.map(numberOf)
  const data = [`ESEARCH (TAG "${tag}")`]
  if (isUid) data.push('UID')
  if (numbers.length > 0) {
    if (names.has('MIN')) data.push(`MIN ${numbers[0]}`)
    if (names.has('MAX')) data.push(`MAX ${numbers.at(-1)}`)
    if (names.has('ALL')) data.push(`ALL ${formatSequenceSet(numbers)}`)
  }
  if (partial !== undefined) {
    const shown = windowOf(numbers, partial)
    data.push(`PARTIAL (${formatPartialRange(partial)} ${shown.length === 0 ? 'NIL' : formatSequenceSet(shown)})`)
  }
  if (names.has('COUNT')) data.push(`COUNT ${numbers.length}`)
  if (found.modSeq !== undefined) data.push(`MODSEQ ${found.modSeq}`)
  out.untagged(data.join(' '))
}

/** RFC 5182 section 2.4: with MIN or MAX and neither ALL nor COUNT, those alone; else everything that was found. */
function savedOf({ selected: view }: Session, found: Found, { names, partial }: ReturnOptions): ReadonlySet<number> {
  const { positions } = found
  const isAll = names.has('ALL') || names.has('COUNT') || !(names.has('MIN') || names.has('MAX'))
  const shown = partial === undefined ? positions : windowOf(positions, partial)
  const kept = isAll
    ? shown
    : [...(names.has('MIN') ? positions.slice(0, 1) : []), ...(names.has('MAX') ? positions.slice(-1) : [])]
  return new Set(kept.map((position) => view.uidAt(position)))
}
