import { MailError } from '../errors/mail-error.ts'
import { type Address, formatAddress, normalizeDomain, parseAddress } from '../mail/address.ts'
import type { MessageId, QueueFilter, QueueMessage, QueueRecipient } from './queue.ts'
import { senderText } from './queue.ts'

/** A filter ready to be asked about every entry. */
export interface EntryFilter {
  /** The message and recipient that are meant, when the filter names them: no other entry need be read. */
  readonly message: MessageId | undefined
  readonly index: number | undefined
  matches(message: QueueMessage, recipient: QueueRecipient): boolean
}

/**
 * Patterns take `*` for any text, and compare without case.
 * @throws MailError INVALID when a text can be no domain or no address: nothing would ever match it
 */
export function compileFilter(filter: QueueFilter): EntryFilter {
  const { id, index } = readEntryId(filter.id)
  const domain = filter.domain === undefined ? undefined : pattern(domainOf(filter.domain))
  for (const address of [filter.recipient, filter.sender]) if (address !== undefined) checkAddress(address)
  const recipient = filter.recipient === undefined ? undefined : pattern(filter.recipient)
  const sender = filter.sender === undefined ? undefined : pattern(filter.sender === '' ? '<>' : filter.sender)
  return {
    message: id,
    index,
    matches: (message, entry) =>
      (id === undefined || entry.message === id) &&
      (index === undefined || entry.index === index) &&
      (filter.state === undefined || entry.state === filter.state) &&
      (domain === undefined || domain(entry.recipient.address.domain)) &&
      (recipient === undefined || recipient(text(entry.recipient.address))) &&
      (sender === undefined || sender(senderText(message.envelope.sender))),
  }
}

/** `<message>` or `<message>/<index>`. */
export function readEntryId(text: string | undefined): { id: MessageId | undefined; index: number | undefined } {
  if (text === undefined) return { id: undefined, index: undefined }
  const parts = /^(.*)\/(\d{1,9})$/.exec(text)
  if (parts === null) return { id: text as MessageId, index: undefined }
  return { id: parts[1] as MessageId, index: Number(parts[2]) }
}

function domainOf(pattern: string): string {
  const name = normalizeDomain(pattern)
  if (name !== undefined) return name
  // What stands for a part of a name is none, and must leave one when it is filled in.
  if (pattern.includes('*') && normalizeDomain(pattern.replaceAll('*', 'x')) !== undefined) return pattern
  throw new MailError('INVALID', `expected a domain such as 'example.org' or '*.example.org', got '${pattern}'`)
}

function checkAddress(pattern: string): void {
  const isNullSender = pattern === '' || pattern === '<>'
  if (isNullSender || pattern === '*' || parseAddress(pattern) !== undefined) return
  const filled = pattern.replaceAll('*', 'x')
  if (pattern.includes('*') && parseAddress(filled.includes('@') ? filled : `${filled}@x`) !== undefined) return
  throw new MailError('INVALID', `expected an address such as 'alice@example.org' or '*@example.org', got '${pattern}'`)
}

const text = (address: Address) => formatAddress(address)

function pattern(glob: string): (value: string) => boolean {
  const pieces = glob.toLowerCase().split('*')
  if (pieces.length === 1) return (value) => value.toLowerCase() === pieces[0]
  const first = pieces[0] as string
  const last = pieces.at(-1) as string
  const middle = pieces.slice(1, -1)
  return (value) => {
    const lower = value.toLowerCase()
    if (lower.length < first.length + last.length || !lower.startsWith(first) || !lower.endsWith(last)) return false
    let at = first.length
    for (const piece of middle) {
      const found = lower.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at <= lower.length - last.length
  }
}
