import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** RFC 5256 section 3, RFC 5957 section 3, RFC 6203 section 6. */
export type SortKey =
  | ('ARRIVAL' | 'CC' | 'DATE' | 'FROM' | 'SIZE' | 'SUBJECT' | 'TO')
  | ('DISPLAYFROM' | 'DISPLAYTO')
  | 'RELEVANCY'

export interface SortCriterion {
  readonly key: SortKey
  readonly isReverse: boolean
}

const KEYS: ReadonlySet<string> = new Set<SortKey>([
  ...(['ARRIVAL', 'CC', 'DATE', 'FROM', 'SIZE', 'SUBJECT', 'TO'] as const),
  ...(['DISPLAYFROM', 'DISPLAYTO', 'RELEVANCY'] as const),
])
const MAX_CRITERIA = 20

export function parseSortCriteria(args: Arguments): readonly SortCriterion[] {
  const criteria = args.list(() => {
    let name = args.word()
    const isReverse = name === 'REVERSE'
    if (isReverse) {
      args.space()
      name = args.word()
    }
    if (!KEYS.has(name) || !args.knows(`SORT ${name}`)) throw new SyntaxFault('No such sort criterion')
    return { key: name as SortKey, isReverse }
  })
  if (criteria.length === 0 || criteria.length > MAX_CRITERIA) throw new SyntaxFault('Sort criteria expected')
  return criteria
}
