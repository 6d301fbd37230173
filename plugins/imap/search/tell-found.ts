import type { MailboxView } from '../mailbox-view.ts'
import type { Session } from '../session.ts'
import { formatPartialRange, type ReturnOptions, windowOf } from '../wire/return-options.ts'
import { formatSequenceSet } from '../wire/sequence-set.ts'
import { spacedNumbers } from '../wire/spaced-numbers.ts'

/** Numbers that are written before the client is looked at. */
const NUMBERS_AT_ONCE = 5000

/** What a search or a sort has found. */
export interface Found {
  /** Positions in the order of the results. */
  readonly positions: readonly number[]
  /** The highest mod-sequence among them, when mod-sequences are asked for. */
  readonly modSeq: number | undefined
  /** From 1 to 100, by position, when they are asked for (RFC 6203 section 4). */
  readonly scores?: ReadonlyMap<number, number> | undefined
}

/** `* SEARCH 1 2 3` or `* SORT …` (RFC 3501 section 7.2.5, RFC 5256 section 4). */
export async function tellNumbers(session: Session, name: string, found: Found, isUid: boolean): Promise<void> {
  const { out, selected: view } = session
  const { positions } = found
  out.text(`* ${name}`)
  for (let from = 0; from < positions.length; from += NUMBERS_AT_ONCE) {
    const part = positions.slice(from, from + NUMBERS_AT_ONCE)
    out.octets(spacedNumbers(part.map((position) => (isUid ? view.uidAt(position) : position + 1))))
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
  if (options.names.has('SAVE')) session.saved = savedOf(view, found, options)
  if (isSaveAlone(options)) return
  const numbers = found.positions.map((position) => (isUid ? view.uidAt(position) : position + 1))
  out.untagged(`ESEARCH (TAG "${tag}")${isUid ? ' UID' : ''}${resultsText(numbers, found, options)}`)
}

/** ESEARCH that names its mailbox; none when nothing was found there (RFC 7377 section 2.1). */
export function tellSource(session: Session, view: MailboxView, found: Found, options: ReturnOptions): void {
  if (found.positions.length === 0 || isSaveAlone(options)) return
  const numbers = found.positions.map((position) => view.uidAt(position))
  session.out.untagged(
    `ESEARCH (TAG "${session.tag}"${sourceText(session, view)}) UID${resultsText(numbers, found, options)}`,
  )
}

/** What names the mailbox beside the tag (RFC 7377 section 2.1). */
export function sourceText(session: Session, view: MailboxView): string {
  return ` MAILBOX ${session.mailboxName(view.name)} UIDVALIDITY ${view.mailbox.uidValidity}`
}

const isSaveAlone = ({ names, partial }: ReturnOptions): boolean =>
  names.size === 1 && names.has('SAVE') && partial === undefined

/** Each result behind a space. */
function resultsText(numbers: readonly number[], found: Found, options: ReturnOptions): string {
  const { positions, modSeq, scores } = found
  const { names, partial } = options
  const data = ['']
  if (numbers.length > 0) {
    if (names.has('MIN')) data.push(`MIN ${numbers[0]}`)
    if (names.has('MAX')) data.push(`MAX ${numbers.at(-1)}`)
    if (names.has('ALL')) data.push(`ALL ${formatSequenceSet(numbers)}`)
  }
  if (partial !== undefined) {
    const shown = windowOf(numbers, partial)
    data.push(`PARTIAL (${formatPartialRange(partial)} ${shown.length === 0 ? 'NIL' : formatSequenceSet(shown)})`)
  }
  // One score for each of the results that are shown.
  if (names.has('RELEVANCY')) {
    const scored = partial === undefined ? positions : windowOf(positions, partial)
    data.push(`RELEVANCY (${scored.map((position) => scores?.get(position) ?? 1).join(' ')})`)
  }
  if (names.has('COUNT')) data.push(`COUNT ${numbers.length}`)
  if (modSeq !== undefined) data.push(`MODSEQ ${modSeq}`)
  return data.join(' ')
}

/**
 * RFC 5182 section 2.4: with MIN or MAX and neither ALL nor COUNT, those alone; else everything that was found. RFC 9394
 * section 3.2: a window comes beside MIN and MAX, and in the place of everything.
 */
export function savedOf(view: MailboxView, found: Found, { names, partial }: ReturnOptions): ReadonlySet<number> {
  const { positions } = found
  const hasEnds = names.has('MIN') || names.has('MAX')
  const isAll = names.has('ALL') || names.has('COUNT') || !(hasEnds || partial !== undefined)
  const kept = isAll
    ? positions
    : [
        ...(partial === undefined ? [] : windowOf(positions, partial)),
        ...(names.has('MIN') ? positions.slice(0, 1) : []),
        ...(names.has('MAX') ? positions.slice(-1) : []),
      ]
  return new Set(kept.map((position) => view.uidAt(position)))
}
