/** What a server's answer, or its absence, means for a recipient (RFC 5321 section 4.2.1, RFC 3463). */
export interface Verdict {
  readonly kind: 'delivered' | 'deferred' | 'failed'
  /** Enhanced status code. */
  readonly status: string
  readonly text: string
}

const MAX_TEXT = 1000
const ENHANCED = /^\d{3}[ -]([245]\.\d{1,3}\.\d{1,3})(?:\s|$)/

/** A reply as one line, without what could disturb a log or a report. */
export function replyText(reply: string): string {
  const [first = '', ...rest] = reply.split(/\r?\n/)
  const code = first.slice(0, 3)
  const more = rest.map((line) => (line.startsWith(code) ? line.slice(4) : line))
  return [first.replace(/^(\d{3})-/, '$1 '), ...more]
    .join(' ')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, MAX_TEXT)
}

/** @param usual the status when the server gives none of its own, without its class: `1.1` */
export function verdictOf(reply: string, usual: string): Verdict {
  const text = replyText(reply)
  const level = reply[0]
  const kind = level === '2' ? 'delivered' : level === '5' ? 'failed' : 'deferred'
  const own = ENHANCED.exec(text)?.[1]
  const digit = kind === 'delivered' ? '2' : kind === 'failed' ? '5' : '4'
  // A status of another class than the reply is the server's slip: the reply decides (RFC 3463 section 2).
  const status = own?.startsWith(digit) ? own : `${digit}.${usual}`
  return { kind, status, text }
}

/** The answer to RCPT TO. */
export function recipientVerdict(reply: string): Verdict {
  const verdict = verdictOf(reply, '1.1')
  // RFC 5321 section 4.5.3.1.10: 552 to RCPT has meant "too many recipients", which is temporary. A full mailbox says 5.2.2.
  const isTooMany = reply.startsWith('552') && !verdict.status.startsWith('5.2.') && !verdict.status.startsWith('5.7.')
  if (isTooMany) return { kind: 'deferred', status: '4.5.3', text: verdict.text }
  return verdict.kind === 'deferred' && verdict.status === '4.1.1' ? { ...verdict, status: '4.0.0' } : verdict
}

export const deferred = (status: string, text: string): Verdict => ({ kind: 'deferred', status, text })
export const failed = (status: string, text: string): Verdict => ({ kind: 'failed', status, text })
