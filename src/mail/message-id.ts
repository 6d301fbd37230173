import { randomBytes } from 'node:crypto'

// RFC 5322 section 3.6.4, and what mailers put between the brackets all the same: anything but brackets and white space.
const MESSAGE_ID = /<([^<>\s]{1,990})>/
const MESSAGE_IDS = new RegExp(MESSAGE_ID, 'g')
const MAX_IDS = 1000

/**
 * A Message-ID with its brackets (RFC 5322 section 3.6.4).
 * @param hostname the domain that vouches that it is unique
 * @param unique the part before the at sign; 128 random bits when left out
 */
export function makeMessageId(hostname: string, unique: string = randomBytes(16).toString('hex')): string {
  return `<${unique.replace(/[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]/g, '')}@${hostname.replace(/[<>\s]/g, '')}>`
}

/** The first message identifier of a field value, with one pair of brackets; undefined when there is none. */
export function firstMessageId(value: string): string | undefined {
  return MESSAGE_ID.exec(value)?.[0]
}

/** The identifiers of References or In-Reply-To in their order, brackets included; at most 1000. */
export function messageIds(value: string): string[] {
  const ids: string[] = []
  for (const [id] of value.matchAll(MESSAGE_IDS)) {
    if (ids.length === MAX_IDS) break
    ids.push(id)
  }
  return ids
}
