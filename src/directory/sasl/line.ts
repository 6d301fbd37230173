/** A client's line in an exchange, as IMAP, POP3 and SMTP have it (RFC 3501 section 6.2.2, RFC 5034 section 4, RFC 4954 section 4). */
export type SaslLine =
  | { readonly kind: 'response'; readonly data: Buffer }
  /** `*`: the client gives up. */
  | { readonly kind: 'cancelled' }
  /** No base64. */
  | { readonly kind: 'malformed' }

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Reads an answer to a challenge. */
export function parseSaslLine(text: string): SaslLine {
  if (text === '*') return { kind: 'cancelled' }
  return BASE64.test(text) ? { kind: 'response', data: Buffer.from(text, 'base64') } : { kind: 'malformed' }
}

/** Reads an initial response; `=` is one of no octets. */
export function parseSaslInitial(text: string): SaslLine {
  if (text === '=') return { kind: 'response', data: Buffer.alloc(0) }
  return text === '*' ? { kind: 'malformed' } : parseSaslLine(text)
}
