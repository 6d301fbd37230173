/** The tagged answer to a command (RFC 3501 section 7.1). */
export interface Completion {
  readonly status: 'OK' | 'NO' | 'BAD'
  /** Response code without its brackets. */
  readonly code?: string
  readonly text: string
}

export const ok = (text: string, code?: string): Completion => ({ status: 'OK', text, ...(code && { code }) })
export const no = (text: string, code?: string): Completion => ({ status: 'NO', text, ...(code && { code }) })
export const bad = (text: string, code?: string): Completion => ({ status: 'BAD', text, ...(code && { code }) })

/** The line without tag and CRLF: `NO [TRYCREATE] There is no such mailbox`. */
export function formatCompletion({ status, code, text }: Completion): string {
  return code === undefined ? `${status} ${text}` : `${status} [${code}] ${text}`
}
