import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** What SEARCH is to return (RFC 4731 section 3.1). */
export type ReturnOption = 'MIN' | 'MAX' | 'ALL' | 'COUNT'

const OPTIONS: ReadonlySet<string> = new Set<ReturnOption>(['MIN', 'MAX', 'ALL', 'COUNT'])

/** `RETURN (…) ` in front of the keys; undefined when it is not there. No option at all means ALL. */
export function parseReturnOptions(args: Arguments): ReadonlySet<ReturnOption> | undefined {
  if (!args.knows('SEARCH RETURN') || !args.skipWord('RETURN ')) return undefined
  const options = args.list(() => {
    const name = args.word()
    if (!OPTIONS.has(name)) throw new SyntaxFault('No such result option')
    return name as ReturnOption
  })
  args.space()
  return new Set(options.length === 0 ? ['ALL'] : options)
}
