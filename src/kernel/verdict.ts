/** A header field to put above the message, e.g. `['X-Spam-Score', '4.2']`. */
export type HeaderField = readonly [name: string, value: string]

/**
 * What a verdict hook thinks of a message or a command. Returning nothing means no opinion.
 * `code` is an enhanced status code (RFC 3463); `reply` is the SMTP reply code, derived from the action when absent.
 */
export type Verdict =
  | { readonly action: 'accept'; readonly headers?: readonly HeaderField[]; readonly note?: string }
  | { readonly action: 'redirect'; readonly to: readonly string[]; readonly reason: string }
  | { readonly action: 'quarantine'; readonly reason: string; readonly headers?: readonly HeaderField[] }
  | { readonly action: 'discard'; readonly reason: string }
  | { readonly action: 'defer'; readonly code: string; readonly text: string; readonly reply?: number }
  | { readonly action: 'reject'; readonly code: string; readonly text: string; readonly reply?: number }

/** Strictness, rising. A defer outweighs a discard: a later attempt can still be discarded, a lost one cannot be had back. */
export const SEVERITY = {
  accept: 0,
  redirect: 1,
  quarantine: 2,
  discard: 3,
  defer: 4,
  reject: 5,
} as const satisfies Record<Verdict['action'], number>

export const accept = (extra: { headers?: readonly HeaderField[]; note?: string } = {}): Verdict => ({
  action: 'accept',
  ...extra,
})
export const redirect = (to: readonly string[], reason: string): Verdict => ({ action: 'redirect', to, reason })
export const quarantine = (reason: string, headers: readonly HeaderField[] = []): Verdict => ({
  action: 'quarantine',
  reason,
  headers,
})
export const discard = (reason: string): Verdict => ({ action: 'discard', reason })
export const defer = (code: string, text: string, reply = 451): Verdict => ({ action: 'defer', code, text, reply })
export const reject = (code: string, text: string, reply = 550): Verdict => ({ action: 'reject', code, text, reply })

/** The stricter of two; the first wins a tie. */
export function stricter(a: Verdict, b: Verdict): Verdict {
  return SEVERITY[b.action] > SEVERITY[a.action] ? b : a
}
