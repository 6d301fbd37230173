import { ALL_RIGHTS, type Rights } from 'mailserver'
import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** The rights of RFC 2086 that stand for others (RFC 4314 section 2.1.1): ours are `c` for `k`, and `d` for `x`, `t`, `e`. */
const VIRTUAL: ReadonlyMap<string, Rights> = new Map([
  ['c', 'k'],
  ['d', 'xte'],
])

/** The order in which rights are told. */
const TOLD = 'lrswipkxtecda'

/** What RIGHTS= names: the rights that RFC 2086 has not. */
export const NEW_RIGHTS = 'kxte'

export interface RightsChange {
  readonly mode: 'replace' | 'add' | 'remove'
  readonly rights: Rights
}

/** `+rights`, `-rights` or `rights` (RFC 4314 section 3.1). A right that is not known is BAD, never passed over. */
export function parseRightsChange(args: Arguments): RightsChange {
  const text = args.astring()
  const sign = text.charAt(0)
  const mode = sign === '+' ? 'add' : sign === '-' ? 'remove' : 'replace'
  const letters = mode === 'replace' ? text : text.slice(1)
  const rights = [...letters].map((letter) => {
    const meant = VIRTUAL.get(letter) ?? letter
    if (meant === letter && !ALL_RIGHTS.includes(letter)) throw new SyntaxFault('No such right')
    return meant
  })
  return { mode, rights: rights.join('') }
}

/** As ACL and MYRIGHTS tell them: with the virtual right beside its members. */
export function formatRights(rights: Rights): string {
  const told = [...TOLD].filter((right) => [...(VIRTUAL.get(right) ?? right)].some((one) => rights.includes(one)))
  return told.length === 0 ? '""' : told.join('')
}

/** Every right by itself, with the virtual ones: nothing is tied to anything. */
export const UNTIED_RIGHTS = [...TOLD].join(' ')
