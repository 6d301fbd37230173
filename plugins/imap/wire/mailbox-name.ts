import { decodeModifiedUtf7, encodeModifiedUtf7 } from 'mailserver'
import { type Arguments, type Octets, utf8Of } from './arguments.ts'
import { formatString, quoteUtf8 } from './strings.ts'
import { SyntaxFault } from './syntax-fault.ts'

/** Reads a mailbox argument and decodes it. @throws SyntaxFault when it is not in the encoding of this client */
export function parseMailbox(args: Arguments): string {
  return canonicalMailbox(mailboxText(args.astring(), args.isUtf8))
}

/** A name, or a pattern of names, out of its encoding on the wire. @param isUtf8 the client has switched UTF-8 on */
export function mailboxText(octets: Octets, isUtf8: boolean): string {
  // RFC 6855 section 3: names are compared in one form of their characters.
  if (isUtf8) return utf8Of(octets).normalize('NFC')
  const name = decodeModifiedUtf7(octets)
  if (name === undefined) throw new SyntaxFault('Mailbox name is not in modified UTF-7')
  return name
}

/** INBOX has no case, neither alone nor as the first level (RFC 3501 section 5.1). */
export function canonicalMailbox(name: string): string {
  return /^inbox(?=$|\/)/i.test(name) ? `INBOX${name.slice(5)}` : name
}

/** The name as an argument of a response. @param isUtf8 the client has switched UTF-8 on */
export function formatMailbox(name: string, isUtf8: boolean): string {
  return isUtf8 ? quoteUtf8(name) : formatString(encodeModifiedUtf7(name))
}
