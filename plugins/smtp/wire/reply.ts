/** What the connection does once a reply is sent. */
export type After =
  | { readonly kind: 'close' }
  /** The peer has asked for the end: it sends nothing more that would have to be read. */
  | { readonly kind: 'quit' }
  | { readonly kind: 'start-tls' }
  /** The message follows. */
  | { readonly kind: 'data' }
  /** The next line belongs to the command that is being answered (AUTH). */
  | { readonly kind: 'line'; readonly take: (line: Buffer) => Promise<Reply> }

/** One reply (RFC 5321 section 4.2). */
export interface Reply {
  readonly code: number
  /** Enhanced status code (RFC 2034, RFC 3463); absent where RFC 2034 section 3 has none: the greeting, EHLO, 3yz. */
  readonly status?: string
  /** One or more; never a line end in one. */
  readonly lines: readonly string[]
  readonly after?: After
}

export const CLOSE: After = { kind: 'close' }

export function reply(code: number, status: string | undefined, text: string, after?: After): Reply {
  return { code, lines: [text], ...(status !== undefined && { status }), ...(after !== undefined && { after }) }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: no control character may split a reply
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g
/** RFC 5321 section 4.5.3.1.5: a reply line has 512 octets at most. */
const MAX_TEXT = 490

/** The reply as it is sent, final CRLF included. */
export function formatReply({ code, status, lines }: Reply): string {
  const mark = status === undefined ? '' : `${status} `
  let text = ''
  for (let at = 0; at < lines.length; at++) {
    const line = (lines[at] as string).replace(CONTROLS, ' ').slice(0, MAX_TEXT)
    text += `${code}${at < lines.length - 1 ? '-' : ' '}${mark}${line}\r\n`
  }
  return text
}
