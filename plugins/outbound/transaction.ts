import type { Readable } from 'node:stream'
import { formatAddress, type Notify, type QueueMessage, type QueueRecipient } from 'mailserver'
import { failed, type Verdict } from './reply.ts'
import type { SmtpClient, Transaction } from './smtp-client.ts'

/** A message and where its bytes come from. */
export interface Outgoing {
  readonly message: QueueMessage
  /** The bytes that are sent, from the first octet on. */
  open(): Readable
  /** The same, in memory. */
  read(): Promise<Buffer>
}

/** No server takes it, whichever is asked: the address cannot be written in a command. */
const UNSENDABLE = /[\r\n<>]/

/** Recipients whose address cannot go on the wire, with the reason. */
export function unsendable({ message }: Outgoing, recipient: QueueRecipient): Verdict | undefined {
  const { sender } = message.envelope
  if (sender !== undefined && UNSENDABLE.test(formatAddress(sender))) {
    return failed('5.1.7', 'The sender address cannot be sent by SMTP')
  }
  if (!UNSENDABLE.test(formatAddress(recipient.recipient.address))) return undefined
  return failed('5.1.3', 'The recipient address cannot be sent by SMTP')
}

/**
 * The transaction as this server can take it, or why it cannot take the message at all.
 * @param recipients one for each address
 */
export async function transactionFor(
  outgoing: Outgoing,
  recipients: readonly QueueRecipient[],
  client: SmtpClient,
): Promise<{ readonly transaction: Transaction } | { readonly verdict: Verdict }> {
  const { message } = outgoing
  const { envelope } = message
  const { maxSize, extensions } = client
  if (maxSize !== undefined && message.size > maxSize) {
    return { verdict: failed('5.3.4', `The message has ${message.size} octets; the server takes ${maxSize}`) }
  }
  if (envelope.requireTls && !extensions.has('REQUIRETLS')) {
    return { verdict: failed('5.7.30', 'The sender requires TLS on the whole way, and the server does not promise it') }
  }
  const hasUtf8 = extensions.has('SMTPUTF8')
  const hasUtf8Address = hasNonAsciiAddress(message, recipients)
  if (!hasUtf8 && (hasUtf8Address || (envelope.smtpUtf8 && (await hasNonAsciiHeader(outgoing))))) {
    return { verdict: failed('5.6.7', 'The message needs SMTPUTF8, and the server does not offer it') }
  }
  // RFC 6152 section 3: without the extension 8-bit content must not be sent, under no circumstances.
  if (!extensions.has('8BITMIME') && (await isEightBit(outgoing.open()))) {
    return { verdict: failed('5.6.3', 'The message has 8-bit content, and the server takes 7-bit content alone') }
  }
  const hasDsn = extensions.has('DSN')
  return {
    transaction: {
      sender: envelope.sender === undefined ? '' : formatAddress(envelope.sender),
      recipients: recipients.map(({ recipient }) => formatAddress(recipient.address)),
      parameters: {
        mail: [
          ...(hasUtf8 && (envelope.smtpUtf8 || hasUtf8Address) ? ['SMTPUTF8'] : []),
          ...(hasDsn ? mailParameters(message) : []),
        ],
        recipients: recipients.map(({ recipient }) =>
          hasDsn ? recipientParameters(recipient.notify, recipient.originalRecipient) : [],
        ),
      },
      size: message.size,
      eightBit: envelope.eightBit,
      requireTls: envelope.requireTls,
      open: outgoing.open,
      read: outgoing.read,
    },
  }
}

/** RFC 3461 sections 4.3, 4.4. */
function mailParameters({ envelope }: QueueMessage): string[] {
  return [
    ...(envelope.returnContent === undefined ? [] : [`RET=${envelope.returnContent === 'full' ? 'FULL' : 'HDRS'}`]),
    ...(envelope.envelopeId === undefined ? [] : [`ENVID=${xtext(envelope.envelopeId)}`]),
  ]
}

/** RFC 3461 sections 4.1, 4.2. */
function recipientParameters(notify: readonly Notify[] | undefined, original: string | undefined): string[] {
  return [
    ...(notify === undefined || notify.length === 0 ? [] : [`NOTIFY=${notify.join(',').toUpperCase()}`]),
    ...(original === undefined ? [] : [`ORCPT=${originalRecipient(original)}`]),
  ]
}

function originalRecipient(original: string): string {
  const semicolon = original.indexOf(';')
  if (semicolon < 0) return `rfc822;${xtext(original)}`
  return `${original.slice(0, semicolon)};${xtext(original.slice(semicolon + 1))}`
}

/** RFC 3461 section 4; characters beyond ASCII as RFC 6533 section 3 embeds them. */
function xtext(text: string): string {
  return [...text]
    .map((character) => {
      const code = character.codePointAt(0) ?? 0
      if (code > 0x7e) return `\\x{${code.toString(16).toUpperCase()}}`
      if (code > 0x20 && character !== '+' && character !== '=') return character
      return `+${code.toString(16).toUpperCase().padStart(2, '0')}`
    })
    .join('')
}

const NON_ASCII = /[^\p{ASCII}]/u

function hasNonAsciiAddress({ envelope }: QueueMessage, recipients: readonly QueueRecipient[]): boolean {
  const addresses = [envelope.sender, ...recipients.map(({ recipient }) => recipient.address)]
  return addresses.some((address) => address !== undefined && NON_ASCII.test(address.local))
}

async function hasNonAsciiHeader({ open }: Outgoing): Promise<boolean> {
  let tail = ''
  for await (const chunk of open()) {
    const bytes = chunk as Buffer
    const text = tail + bytes.toString('latin1')
    const end = text.indexOf('\r\n\r\n')
    const header = end < 0 ? text : text.slice(0, end)
    if (NON_ASCII.test(header)) return true
    if (end >= 0) return false
    tail = text.slice(-3)
  }
  return false
}

/** Asked only of a server without 8BITMIME, so that nearly no message is read twice. */
async function isEightBit(stream: Readable): Promise<boolean> {
  for await (const chunk of stream) {
    for (const octet of chunk as Buffer) if (octet > 0x7f) return true
  }
  return false
}
