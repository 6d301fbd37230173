import type { Arguments } from './arguments.ts'
import { type FetchItem, parseFetchItems } from './fetch-items.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** A window of results, counted from 1; negative ends count from the last (RFC 9394 section 3.1). */
export interface PartialRange {
  readonly from: number
  readonly to: number
}

/** What SEARCH and SORT are to return (RFC 4731 section 3.1, RFC 5182, RFC 5267, RFC 6203 section 4, RFC 9394). */
export interface ReturnOptions {
  readonly names: ReadonlySet<ReturnOption>
  readonly partial?: PartialRange
  /** Changes of the results are told from then on (RFC 5267 section 4.3). */
  readonly update?: UpdateOption
}

export interface UpdateOption {
  /** Fetched of each new message that becomes a result (RFC 5465 section 7). */
  readonly items?: readonly FetchItem[]
}

export type ReturnOption = 'MIN' | 'MAX' | 'ALL' | 'COUNT' | 'SAVE' | 'RELEVANCY'

const OPTIONS: ReadonlySet<string> = new Set<ReturnOption>(['MIN', 'MAX', 'ALL', 'COUNT', 'SAVE', 'RELEVANCY'])

/**
 * `RETURN (…) ` in front of the keys; undefined when it is not there. No option at all means ALL.
 * @param command of which some options are extensions of their own
 * @param maxItems to be fetched of a new result
 */
export function parseReturnOptions(
  args: Arguments,
  command: 'SEARCH' | 'SORT',
  maxItems: number,
): ReturnOptions | undefined {
  if (!args.knows(`${command} RETURN`) || !args.skipWord('RETURN ')) return undefined
  const names = new Set<ReturnOption>()
  let partial: PartialRange | undefined
  let update: UpdateOption | undefined
  const options = args.list(() => {
    const name = args.word()
    if (!args.knows(`RETURN ${name}`) || !args.knows(`${command} ${name}`))
      throw new SyntaxFault('No such result option')
    if (name === 'PARTIAL') {
      if (partial !== undefined) throw new SyntaxFault('PARTIAL stands twice')
      args.space()
      partial = parsePartialRange(args)
    } else if (name === 'UPDATE') {
      if (update !== undefined) throw new SyntaxFault('UPDATE stands twice')
      update = parseUpdate(args, maxItems)
    } else if (OPTIONS.has(name)) names.add(name as ReturnOption)
    // RFC 5267 section 4.2: a hint that the same search comes again, of which nothing has to be kept.
    else if (name !== 'CONTEXT') throw new SyntaxFault('No such result option')
    return name
  })
  args.space()
  // RFC 5267 section 4.4: a window of all, and all.
  if (partial !== undefined && names.has('ALL')) throw new SyntaxFault('PARTIAL and ALL exclude each other')
  if (options.length === 0) names.add('ALL')
  return { names, ...(partial && { partial }), ...(update && { update }) }
}

const ITEMS = / ?\(/y

function parseUpdate(args: Arguments, maxItems: number): UpdateOption {
  if (!args.knows('UPDATE ITEMS') || !args.looksLike(ITEMS)) return {}
  args.skip(' ')
  return { items: parseFetchItems(args, maxItems) }
}

const RANGE = /(-?)(\d{1,10}):(-?)(\d{1,10})/y

/** RFC 9394 section 4: both ends count from the same side. */
export function parsePartialRange(args: Arguments): PartialRange {
  const text = args.match(RANGE)
  const [from = Number.NaN, to = Number.NaN] = (text ?? '').split(':').map(Number)
  const isSameSide = from < 0 === to < 0
  if (text === undefined || from === 0 || to === 0 || !isSameSide || Math.max(-from, -to, from, to) > 0xffffffff) {
    throw new SyntaxFault('Invalid range of results')
  }
  // RFC 5267 section 5 knows no end to count from.
  if (from < 0 && !args.knows('PARTIAL LAST')) throw new SyntaxFault('Invalid range of results')
  return { from, to }
}

/** How many results the window has room for. */
export const extentOf = ({ from, to }: PartialRange): number => Math.abs(to - from) + 1

export const formatPartialRange = ({ from, to }: PartialRange): string => `${from}:${to}`

/** The results in the window, in their order; those that it names and are not there are left out. */
export function windowOf<T>(results: readonly T[], { from, to }: PartialRange): readonly T[] {
  const low = Math.min(Math.abs(from), Math.abs(to))
  const high = Math.max(Math.abs(from), Math.abs(to))
  if (from > 0) return results.slice(low - 1, high)
  return results.slice(Math.max(0, results.length - high), Math.max(0, results.length - low + 1))
}
