/** What one MIME part's header says of it (RFC 2045), taken in one walk over its fields. */
import type { EnvelopeFields } from './envelope-text.ts'
import { scanFields, unfold } from './header.ts'
import { type ContentType, type Parameters, parseContentType, parseToken } from './mime-parameters.ts'

export interface PartFields extends EnvelopeFields {
  references?: string
  'content-type'?: string
  'content-transfer-encoding'?: string
  'content-id'?: string
  'content-description'?: string
  'content-md5'?: string
  'content-disposition'?: string
  'content-language'?: string
  'content-location'?: string
}

const CONTENT_FIELDS: readonly (keyof PartFields)[] = [
  'content-type',
  'content-transfer-encoding',
  'content-id',
  'content-description',
  'content-md5',
  'content-disposition',
  'content-language',
  'content-location',
]
const ENVELOPE_FIELDS: readonly (keyof PartFields)[] = [
  'date',
  'subject',
  'from',
  'sender',
  'reply-to',
  'to',
  'cc',
  'bcc',
  'in-reply-to',
  'message-id',
  'references',
]
const ADDRESS_FIELDS = new Set<keyof PartFields>(['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'])

const PART_FIELDS = new Map<string, keyof PartFields>(CONTENT_FIELDS.map((name) => [name, name]))
const MESSAGE_FIELDS = new Map<string, keyof PartFields>(
  [...CONTENT_FIELDS, ...ENVELOPE_FIELDS].map((name) => [name, name]),
)
/** Most fields of a message are none of these: their length and first letter tell before a string is made. */
const CANDIDATES = new Set([...MESSAGE_FIELDS.keys()].map((name) => name.length * 256 + name.charCodeAt(0)))

/**
 * @param isMessage the header of a message, whose envelope fields are wanted, and not of a part of a multipart
 */
export function readPartFields(header: Buffer, isMessage: boolean): PartFields {
  const wanted = isMessage ? MESSAGE_FIELDS : PART_FIELDS
  const fields: PartFields = {}
  scanFields(header, (start, nameEnd, valueStart, end) => {
    if (!CANDIDATES.has((nameEnd - start) * 256 + ((header[start] as number) | 0x20))) return
    const name = wanted.get(header.toString('latin1', start, nameEnd).toLowerCase())
    if (name === undefined) return
    const value = unfold(header, valueStart, end)
    const before = fields[name]
    if (before === undefined) fields[name] = value
    // A header may have one To only (RFC 5322 section 3.6). Of those that have more, no recipient is lost.
    else if (ADDRESS_FIELDS.has(name)) fields[name] = `${before}, ${value}`
  })
  return fields
}

const NO_PARAMETERS: Parameters = new Map()
const PLAIN: ContentType = { type: 'text', subtype: 'plain', parameters: NO_PARAMETERS }
const DIGEST_MESSAGE: ContentType = { type: 'message', subtype: 'rfc822', parameters: NO_PARAMETERS }

/**
 * The media type of a part: text/plain when it has none or none that can be read (RFC 2045 section 5.2);
 * message/rfc822 when a digest's part has none (RFC 2046 section 5.1.5).
 */
export function contentTypeOf(fields: PartFields, isInDigest: boolean): ContentType {
  const value = fields['content-type']
  if (value === undefined) return isInDigest ? DIGEST_MESSAGE : PLAIN
  return parseContentType(value) ?? PLAIN
}

export function encodingOf(fields: PartFields): string {
  const value = fields['content-transfer-encoding']
  return (value === undefined ? undefined : parseToken(value)) ?? '7bit'
}
