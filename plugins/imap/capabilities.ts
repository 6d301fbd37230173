import type { CapabilityClient } from './capability-table.ts'
import type { Offer } from './offer.ts'

/** `CAPABILITY IMAP4rev1 …` as it is for this client now (RFC 3501 section 7.2.1). */
export function capabilityText(client: CapabilityClient & { readonly offer: Offer }): string {
  const names = client.offer.capabilities
    .filter(({ isShown }) => isShown(client))
    .flatMap(({ name, shownAs }) => (shownAs === undefined ? name : (shownAs(client) ?? [])))
  return `CAPABILITY ${names.join(' ')}`
}
