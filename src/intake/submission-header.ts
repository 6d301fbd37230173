import type { HeaderField } from '../kernel/verdict.ts'
import { type Address, normalizeDomain, parseAddress } from '../mail/address.ts'
import { mailboxesOf, parseAddressList } from '../mail/address-list.ts'
import { formatDate } from '../mail/date-time.ts'
import { fieldValues } from '../mail/header.ts'
import { makeMessageId } from '../mail/message-id.ts'
import { addressWords } from './address-words.ts'

/** Fields that a submitted message lacks and that we may add (RFC 6409 sections 8.2 and 8.3). */
export function missingFields(header: Buffer, facts: { id: string; hostname: string; at: number }): HeaderField[] {
  const fields: HeaderField[] = []
  if (fieldValues(header, 'date').length === 0) fields.push(['Date', formatDate(facts.at)])
  if (fieldValues(header, 'message-id').length === 0)
    fields.push(['Message-ID', makeMessageId(facts.hostname, facts.id)])
  return fields
}

/** A name in any charset; what it looks like decoded is not an address (RFC 2047 section 5). */
const ENCODED_WORD = /=\?[^?\s]{1,75}\?[BbQq]\?[^?\s]{0,998}\?=/g

/**
 * Every address of every From field, also what stands where none should be: another reader may take that for the sender.
 * Undefined for one that is no address.
 */
export function fromAddresses(header: Buffer): (Address | undefined)[] {
  return fieldValues(header, 'from').flatMap((value) => {
    const text = Buffer.from(value, 'latin1').toString('utf8').replace(ENCODED_WORD, 'name')
    const mailboxes = mailboxesOf(parseAddressList(text)).map(({ local, domain }) => {
      const name = domain === undefined ? undefined : normalizeDomain(domain)
      return local === undefined || name === undefined ? undefined : { local, domain: name }
    })
    return [...mailboxes, ...addressWords(text).map((word) => parseAddress(word))]
  })
}
