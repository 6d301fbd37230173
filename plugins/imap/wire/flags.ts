import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** System flags that a client may set (RFC 3501 section 2.3.2), in the order they are shown. */
export const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const

const BY_LOWER = new Map<string, string>(SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]))

/** One flag; `\Recent` and system flags that do not exist are refused (RFC 3501 section 9: flag-extension is for the future). */
export function parseFlag(args: Arguments): string {
  if (!args.skip('\\')) return args.atom()
  const flag = BY_LOWER.get(`\\${args.atom().toLowerCase()}`)
  if (flag === undefined) throw new SyntaxFault('No such system flag')
  return flag
}

export interface FlagLimits {
  readonly keywordLength: number
  readonly keywords: number
}

/** Flags in parentheses, each once. */
export function parseFlagList(args: Arguments, limits: FlagLimits): readonly string[] {
  return distinct(
    args.list(() => parseFlag(args)),
    limits,
  )
}

/** STORE takes flags with or without parentheses. */
export function parseStoreFlags(args: Arguments, limits: FlagLimits): readonly string[] {
  if (args.next === '(') return parseFlagList(args, limits)
  const flags = [parseFlag(args)]
  while (args.skip(' ')) flags.push(parseFlag(args))
  return distinct(flags, limits)
}

function distinct(flags: readonly string[], limits: FlagLimits): readonly string[] {
  const byLower = new Map<string, string>()
  for (const flag of flags) {
    if (flag.length > limits.keywordLength) throw new SyntaxFault('Keyword is too long')
    if (!byLower.has(flag.toLowerCase())) byLower.set(flag.toLowerCase(), flag)
  }
  if (byLower.size > limits.keywords) throw new SyntaxFault('Too many keywords')
  return [...byLower.values()]
}
