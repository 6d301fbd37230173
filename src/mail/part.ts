/** A MIME part while its message is read, and its BODYSTRUCTURE when it has been (RFC 3501 section 7.4.2). */
import { envelopeText } from './envelope-text.ts'
import { imapNstring, imapString } from './imap-text.ts'
import type { PartIndex } from './message-index.ts'
import { type ContentType, type Parameters, parseTokenList, parseTokenWithParameters } from './mime-parameters.ts'
import { contentTypeOf, encodingOf, type PartFields } from './part-header.ts'

/** RFC 2046 section 4.1.2: text that names no charset. */
const US_ASCII = '("charset" "us-ascii")'

const ATTACHMENT = /^\s*attachment\b/i

/** The two forms of a part's structure; `full` is with extension data. */
interface Structure {
  readonly plain: string
  readonly full: string
}

/** What the part turned out to be: `children` are parsed for the first two only. */
export type PartShape = 'multipart' | 'message' | 'leaf'

export class Part {
  readonly headerStart: number
  readonly children: Part[] = []
  bodyStart = 0
  bodyEnd = 0
  /** LFs of the message before the body; those before its end are `lines` more. */
  linesBefore = 0
  lines = 0
  type = 'text'
  subtype = 'plain'
  encoding = '7bit'
  charset: string | undefined
  /** Not to be shown in its place (RFC 2183 section 2.2). */
  isAttachment = false
  shape: PartShape = 'leaf'
  /** Of a message: its root, or what a message/rfc822 part holds. */
  envelope = ''
  #description = ''
  #parameters = 'NIL'
  #extension = ' NIL NIL NIL'
  #md5 = 'NIL'

  constructor(headerStart: number) {
    this.headerStart = headerStart
  }

  /** Takes what the header says. @returns the media type, for the boundary in it */
  describe(fields: PartFields, isMessage: boolean, isInDigest: boolean): ContentType {
    const media = contentTypeOf(fields, isInDigest)
    this.type = media.type
    this.subtype = media.subtype
    this.encoding = encodingOf(fields)
    this.charset = media.parameters.get('charset')?.toLowerCase()
    if (isMessage) this.envelope = envelopeText(fields)
    const isTextWithoutCharset = media.type === 'text' && this.charset === undefined
    this.#parameters = parametersText(media.parameters, isTextWithoutCharset)
    this.#description = `${imapNstring(fields['content-id'])} ${imapNstring(fields['content-description'])} ${imapString(this.encoding)}`
    this.#md5 = imapNstring(fields['content-md5'])
    this.isAttachment = ATTACHMENT.test(fields['content-disposition'] ?? '')
    this.#extension = ` ${dispositionText(fields)} ${languageText(fields)} ${imapNstring(fields['content-location'])}`
    return media
  }

  /** A composite beyond the limits is shown as octets nobody looks into. */
  becomeOpaque(): void {
    this.#become('application', 'octet-stream', this.#parameters)
  }

  /**
   * @param offset one past the last octet of the body, before the line end that belongs to the delimiter
   * @param lines LFs of the message before `offset`
   */
  end(offset: number, lines: number): void {
    // The empty line of a header stays the header's, also where a delimiter follows at once: the body, and that of every
    // message around it, then ends behind it.
    const end = Math.max(this.bodyStart, this.children.at(-1)?.bodyEnd ?? 0)
    this.bodyEnd = Math.max(offset, end)
    this.lines = Math.max(0, (end > offset ? lines + 1 : lines) - this.linesBefore)
    // A multipart needs a part (RFC 2046 section 5.1.1). One without, for want of a boundary or of its delimiters, has
    // a Content-Type that is not valid, and is read as text (RFC 2045 section 5.2).
    if (this.shape === 'multipart' && this.children.length === 0) this.#become('text', 'plain', US_ASCII)
  }

  #become(type: string, subtype: string, parameters: string): void {
    this.shape = 'leaf'
    this.type = type
    this.subtype = subtype
    this.charset = undefined
    this.#parameters = parameters
  }

  toIndex(): PartIndex {
    return {
      type: this.type,
      subtype: this.subtype,
      headerStart: this.headerStart,
      bodyStart: this.bodyStart,
      bodyEnd: this.bodyEnd,
      lines: this.lines,
      encoding: this.encoding,
      ...(this.charset !== undefined && { charset: this.charset }),
      children: this.children.map((child) => child.toIndex()),
    }
  }

  structure(): Structure {
    return this.shape === 'multipart' ? this.#multipart() : this.#single()
  }

  #multipart(): Structure {
    let plain = ''
    let full = ''
    for (const child of this.children) {
      const structure = child.structure()
      plain += structure.plain
      full += structure.full
    }
    const subtype = imapString(this.subtype)
    return {
      plain: `(${plain} ${subtype})`,
      full: `(${full} ${subtype} ${this.#parameters}${this.#extension})`,
    }
  }

  #single(): Structure {
    const size = this.bodyEnd - this.bodyStart
    const fields = `${imapString(this.type)} ${imapString(this.subtype)} ${this.#parameters} ${this.#description} ${size}`
    const extension = ` ${this.#md5}${this.#extension}`
    const inner = this.shape === 'message' ? this.children[0] : undefined
    if (inner !== undefined) {
      const structure = inner.structure()
      return {
        plain: `(${fields} ${inner.envelope} ${structure.plain} ${this.lines})`,
        full: `(${fields} ${inner.envelope} ${structure.full} ${this.lines}${extension})`,
      }
    }
    const basic = this.type === 'text' ? `${fields} ${this.lines}` : fields
    return { plain: `(${basic})`, full: `(${basic}${extension})` }
  }
}

function parametersText(parameters: Parameters, isTextWithoutCharset: boolean): string {
  const pairs: string[] = []
  for (const [name, value] of parameters) pairs.push(`${imapString(name)} ${imapString(value)}`)
  // RFC 2046 section 4.1.2: text that names no charset is US-ASCII.
  if (isTextWithoutCharset) pairs.push('"charset" "us-ascii"')
  return pairs.length === 0 ? 'NIL' : `(${pairs.join(' ')})`
}

function dispositionText(fields: PartFields): string {
  const value = fields['content-disposition']
  const disposition = value === undefined ? undefined : parseTokenWithParameters(value)
  if (disposition === undefined) return 'NIL'
  return `(${imapString(disposition.token)} ${parametersText(disposition.parameters, false)})`
}

function languageText(fields: PartFields): string {
  const value = fields['content-language']
  const tokens = value === undefined ? [] : parseTokenList(value)
  return tokens.length === 0 ? 'NIL' : `(${tokens.map(imapString).join(' ')})`
}
