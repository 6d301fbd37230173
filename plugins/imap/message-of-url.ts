import { codeOf, type MessageIndex } from 'mailserver'
import { load, planReading } from './fetch/section-reader.ts'
import type { ReachedMailbox } from './mailbox-access.ts'
import type { Session } from './session.ts'
import { type MessageUrl, parseMessageUrl } from './wire/imap-url.ts'
import { WHOLE } from './wire/section.ts'

/** Octets that a URL names. They are read when they are asked for. */
export interface UrlOctets {
  readonly size: number
  chunks(): AsyncIterable<Buffer>
}

/**
 * What the URL names, for a user who may read it (RFC 4469 section 3).
 * @returns undefined when there is nothing: the URL is broken, or the message, the part or the right is missing
 * @throws MailError CORRUPT, UNAVAILABLE
 */
export async function openUrl(session: Session, text: string): Promise<UrlOctets | undefined> {
  const url = parseMessageUrl(text)
  const place = url === undefined ? undefined : await mailboxOf(session, url)
  if (url === undefined || place === undefined) return undefined
  const { store, blobs } = session.services
  const [record] = await store.records(place.account, place.id, [url.uid])
  if (record === undefined) return undefined
  const index = url.section === WHOLE ? undefined : await indexOf(session, place, url.uid)
  if (url.section !== WHOLE && index === undefined) return undefined
  const { section, partial } = url
  const item = { label: 'URL', section, isPeek: true, ...(partial && { partial }) } as const
  const loaded = await load(blobs, planReading([item], { record, index }))
  if (loaded === 'gone') return undefined
  const [part] = loaded === 'damaged' ? [] : loaded
  if (part?.kind === 'octets') return octetsOf(part.octets)
  if (part?.kind === 'later') return octetsOf(await part.read())
  if (part?.kind === 'stream') return { size: part.size, chunks: () => part.open() }
  return undefined
}

function octetsOf(octets: Buffer): UrlOctets {
  return {
    size: octets.length,
    async *chunks() {
      if (octets.length > 0) yield octets
    },
  }
}

type Place = Pick<ReachedMailbox, 'account'> & { readonly id: ReachedMailbox['mailbox']['id'] }

async function mailboxOf(session: Session, url: MessageUrl): Promise<Place | undefined> {
  const { server, login, view, mailboxes } = session
  if (url.host !== undefined && url.host !== server.hostname.toLowerCase()) return undefined
  if (url.user !== undefined && url.user.toLowerCase() !== login?.toLowerCase()) return undefined
  if (url.mailbox === undefined) {
    if (view === undefined || !view.rights.includes('r')) return undefined
    return { account: view.mirror.account, id: view.mailbox.id }
  }
  const reached = await mailboxes.find(url.mailbox)
  if (reached === undefined || !reached.rights.includes('r')) return undefined
  if (url.uidValidity !== undefined && url.uidValidity !== reached.mailbox.uidValidity) return undefined
  return { account: reached.account, id: reached.mailbox.id }
}

async function indexOf({ services }: Session, { account, id }: Place, uid: number): Promise<MessageIndex | undefined> {
  try {
    for await (const [entry] of services.store.indexes(account, id, [uid])) return entry?.[1]
    return undefined
  } catch (cause) {
    if (codeOf(cause) === 'NOT_FOUND') return undefined
    throw cause
  }
}
