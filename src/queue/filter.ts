import { type Address, formatAddress, normalizeDomain } from '../mail/address.ts'
import type { MessageId, QueueFilter, QueueMessage, QueueRecipient } from './queue.ts'
import { senderText } from './queue.ts'

/** A filter ready to be asked about every entry. */
export interface EntryFilter {
  /** The message and recipient that are meant, when the filter names them: no other entry need be read. */
  readonly message: MessageId | undefined
  readonly index: number | undefined
  matches(message: QueueMessage, recipient: QueueRecipient): boolean
}

/** Patterns take `*` for any text, and compare without case. */
export function compileFilter(filter: QueueFilter): EntryFilter {
  const { id, index } = readEntryId(filter.id)
  const domain = filter.domain === undefined ? undefined : pattern(normalizeDomain(filter.domain) ?? filter.domain)
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
