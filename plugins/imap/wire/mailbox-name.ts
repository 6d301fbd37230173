import { decodeModifiedUtf7, encodeModifiedUtf7 } from 'mailserver'
import type { Arguments, Octets } from './arguments.ts'
import { formatString } from './strings.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Reads a mailbox argument and decodes it. @throws SyntaxFault when it is not modified UTF-7 */
export function parseMailbox(args: Arguments): string {
  return mailboxOf(args.astring())
}

export function mailboxOf(octets: Octets): string {
  const name = decodeModifiedUtf7(octets)
  if (name === undefined) throw new SyntaxFault('Mailbox name is not in modified UTF-7')
  return canonicalMailbox(name)
}

/** INBOX has no case, neither alone nor as the first level (RFC 3501 section 5.1). */
export function canonicalMailbox(name: string): string {
  return /^inbox(?=$|\/)/i.test(name) ? `INBOX${name.slice(5)}` : name
}

/** The name as an argument of a response. */
export function formatMailbox(name: string): string {
  return formatString(encodeModifiedUtf7(name))
}
