import { domainToASCII } from 'node:url'

/**
 * A mailbox address as it stands in an envelope (RFC 5321 section 4.1.2, RFC 6531 section 3.3), parsed once.
 * `local` keeps the case it came with; `domain` is lower case and in A-labels, so two spellings of one
 * domain compare equal.
 */
export interface Address {
  readonly local: string
  readonly domain: string
}

/** RFC 5321 section 4.5.3.1: a local part has 64 octets at most; forwarders that encode an address in it use more. */
const MAX_LOCAL_BYTES = 255
const MAX_DOMAIN_BYTES = 255

// Controls, and the invisible characters that let two addresses look alike.
// biome-ignore lint/suspicious/noControlCharactersInRegex: refusing control characters is the point
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200b\u2060\ufeff]/
const DOT_ATOM = /^[^\s"(),:;<>@[\]\\]+$/
const QUOTED = /^"(?:[^"\\]|\\.)*"$/
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const LITERAL = /^\[(?:\d{1,3}(?:\.\d{1,3}){3}|ipv6:[0-9a-f:.]+)\]$/

/** The same few domains come with every message. */
const MAX_NORMALIZED = 1_000
const normalized = new Map<string, string>()

/**
 * Brings a domain into the form that is compared and looked up: lower case, A-labels, no final dot.
 * @returns undefined when the text is no domain and no address literal
 */
export function normalizeDomain(text: string): string | undefined {
  const known = normalized.get(text)
  if (known !== undefined) return known
  const name = domainOf(text)
  if (name !== undefined) {
    if (normalized.size >= MAX_NORMALIZED) normalized.clear()
    normalized.set(text, name)
  }
  return name
}

function domainOf(text: string): string | undefined {
  if (text.length === 0 || text.length > MAX_DOMAIN_BYTES || UNSAFE.test(text)) return undefined
  const lower = text.toLowerCase()
  if (lower.startsWith('[')) return LITERAL.test(lower) ? lower : undefined
  const ascii = isAscii(lower) ? lower : domainToASCII(lower)
  const name = ascii.endsWith('.') ? ascii.slice(0, -1) : ascii
  if (name.length === 0 || name.length > 253) return undefined
  return name.split('.').every((label) => LABEL.test(label)) ? name : undefined
}

/**
 * Parses an address without angle brackets: `alice@example.test`, `"a b"@example.test`.
 * @returns undefined when it is not one
 */
export function parseAddress(text: string): Address | undefined {
  const at = text.lastIndexOf('@')
  if (at <= 0 || UNSAFE.test(text)) return undefined
  const local = text.slice(0, at)
  if (Buffer.byteLength(local) > MAX_LOCAL_BYTES) return undefined
  if (!QUOTED.test(local)) {
    if (!DOT_ATOM.test(local) || local.startsWith('.') || local.endsWith('.') || local.includes('..')) return undefined
  }
  const domain = normalizeDomain(text.slice(at + 1))
  return domain === undefined ? undefined : { local, domain }
}

/** The address as text, as it goes on the wire. */
export function formatAddress(address: Address): string {
  return `${address.local}@${address.domain}`
}

/**
 * The form under which an address is looked up: domain normalised, local part lower case and unquoted where
 * the quotes are needless. RFC 5321 section 2.4 leaves the local part's case to the receiving host; ours ignores it.
 */
export function addressKey(address: Address): string {
  let local = address.local
  if (QUOTED.test(local)) {
    const bare = local.slice(1, -1).replace(/\\(.)/g, '$1')
    if (DOT_ATOM.test(bare)) local = bare
  }
  // RFC 6532 section 3.1: one name can be typed in several sequences of characters; NFC is one of them.
  const composed = isAscii(local) ? local : local.normalize('NFC')
  return `${composed.toLowerCase()}@${address.domain}`
}

/** Splits `user+tag` at the first delimiter; the tag is undefined when there is none (RFC 5233). */
export function splitSubaddress(local: string, delimiter: string): { user: string; tag: string | undefined } {
  const at = delimiter === '' ? -1 : local.indexOf(delimiter)
  if (at <= 0) return { user: local, tag: undefined }
  return { user: local.slice(0, at), tag: local.slice(at + delimiter.length) }
}

function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length
}
