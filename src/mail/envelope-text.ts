/** The ENVELOPE of a message, by its header fields (RFC 3501 section 7.4.2). Octets as characters. */
import { type AddressItem, type MailboxItem, parseAddressList } from './address-list.ts'
import { imapNstring, imapString } from './imap-text.ts'

/** Unfolded values of the fields an envelope is made of; undefined when the message has none. */
export interface EnvelopeFields {
  date?: string
  subject?: string
  from?: string
  sender?: string
  'reply-to'?: string
  to?: string
  cc?: string
  bcc?: string
  'in-reply-to'?: string
  'message-id'?: string
}

/** The value of ENVELOPE, parentheses included. */
export function envelopeText(fields: EnvelopeFields): string {
  const from = addresses(fields.from)
  // RFC 3501 section 7.4.2: a Sender or Reply-To that is absent or empty is the From.
  const sender = addresses(fields.sender)
  const replyTo = addresses(fields['reply-to'])
  return `(${[
    imapNstring(fields.date),
    imapNstring(fields.subject),
    from,
    sender === 'NIL' ? from : sender,
    replyTo === 'NIL' ? from : replyTo,
    addresses(fields.to),
    addresses(fields.cc),
    addresses(fields.bcc),
    imapNstring(fields['in-reply-to']),
    imapNstring(fields['message-id']),
  ].join(' ')})`
}

function addresses(value: string | undefined): string {
  if (value === undefined) return 'NIL'
  let text = ''
  for (const item of parseAddressList(value)) text += itemText(item)
  return text === '' ? 'NIL' : `(${text})`
}

/** A group is its name between two addresses without a host (RFC 3501 section 7.4.2). */
function itemText(item: AddressItem): string {
  if (item.kind === 'mailbox') return mailboxText(item)
  return `(NIL NIL ${imapString(item.name)} NIL)${item.members.map(mailboxText).join('')}(NIL NIL NIL NIL)`
}

/** NIL for a mailbox or a host would read as a group: what the message lacks is said in words clients know. */
function mailboxText({ name, route, local, domain }: MailboxItem): string {
  const mailbox = imapString(local ?? 'MISSING_MAILBOX')
  const host = imapString(domain ?? 'MISSING_DOMAIN')
  return `(${imapNstring(name)} ${imapNstring(route)} ${mailbox} ${host})`
}
