import { type AclSubject, type Directory, formatAddress, parseAddress } from 'mailserver'
import type { Arguments } from './wire/arguments.ts'
import { utf8Of } from './wire/arguments.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

/** An identifier of an access control list as a client writes it (RFC 4314 section 2). */
export interface Identifier {
  /** As it came. */
  readonly text: string
  readonly name: string
  readonly isNegative: boolean
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: SASLprep forbids them (RFC 4013 section 2.3)
const FORBIDDEN = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufffd]/

/** RFC 4314 section 3: what is no identifier after preparation is BAD. */
export function parseIdentifier(args: Arguments): Identifier {
  const text = utf8Of(args.astring())
  const isNegative = text.startsWith('-')
  const name = (isNegative ? text.slice(1) : text).normalize('NFKC')
  if (name === '' || FORBIDDEN.test(name)) throw new SyntaxFault('Not a possible identifier')
  return { text, name, isNegative }
}

/**
 * Whom an identifier is for: everybody, or the account of an address; without a domain one of the user's own.
 * undefined when there is nobody of that name.
 */
export async function subjectOf(
  directory: Directory,
  { name }: Identifier,
  ownDomain: string,
): Promise<AclSubject | undefined> {
  if (name.toLowerCase() === 'anyone') return 'anyone'
  const address = parseAddress(name.includes('@') ? name : `${name}@${ownDomain}`)
  return address === undefined ? undefined : (await directory.accountByAddress(address))?.id
}

/** The identifier of an entry; undefined when its account is gone. */
export async function identifierOf(directory: Directory, subject: AclSubject): Promise<string | undefined> {
  if (subject === 'anyone') return subject
  const account = await directory.account(subject)
  return account === undefined ? undefined : formatAddress(account.address)
}
