import { type Account, type AccountId, formatAddress, parseAddress, type Quota } from 'mailserver'
import type { Offer } from './offer.ts'
import type { Session } from './session.ts'
import { formatUtf8 } from './wire/strings.ts'

/** Octets of one unit of STORAGE (RFC 9208 section 5.1). */
export const STORAGE_UNIT = 1024

/** A resource that is limited: what is used, and how much may be. */
export interface Resource {
  readonly name: 'STORAGE' | 'MESSAGE'
  readonly usage: number
  readonly limit: number
}

/** Every account has one quota root, named by its address: all of its mailboxes share it (RFC 9208 section 3.2). */
export const rootNameOf = ({ address }: Account): string => formatAddress(address)

/** Limited resources of a root, of those kinds that the client is offered. */
export function resourcesOf(
  { usedBytes, usedMessages, maxBytes, maxMessages }: Quota,
  offer: Offer,
): readonly Resource[] {
  const resources: Resource[] = []
  if (maxBytes !== undefined && offer.has('QUOTA=RES-STORAGE')) {
    const limit = Math.floor(maxBytes / STORAGE_UNIT)
    resources.push({ name: 'STORAGE', usage: Math.ceil(usedBytes / STORAGE_UNIT), limit })
  }
  if (maxMessages !== undefined && offer.has('QUOTA=RES-MESSAGE')) {
    resources.push({ name: 'MESSAGE', usage: usedMessages, limit: maxMessages })
  }
  return resources
}

/** The QUOTA response of an account's root (RFC 9208 section 4.2.1). */
export async function tellQuota({ services, out, offer }: Session, account: Account): Promise<void> {
  const resources = resourcesOf(await services.store.quota(account.id), offer)
  const list = resources.map(({ name, usage, limit }) => `${name} ${usage} ${limit}`).join(' ')
  out.untagged(`QUOTA ${formatUtf8(rootNameOf(account))} (${list})`)
}

/**
 * The account whose root has this name. A root is there for its owner, for administrators, and for whoever may read one of
 * its mailboxes; for others there is none (RFC 9208 section 8).
 */
export async function accountOfRoot({ services, mailboxes }: Session, name: string): Promise<Account | undefined> {
  const address = parseAddress(name)
  const account = address === undefined ? undefined : await services.directory.accountByAddress(address)
  if (account === undefined || account.id === mailboxes.user.id || mailboxes.isAdministrator) return account
  return (await canRead(mailboxes.listed(), account.id)) ? account : undefined
}

async function canRead(listed: ReturnType<Session['mailboxes']['listed']>, owner: AccountId): Promise<boolean> {
  return (await listed).some(({ account, rights }) => account === owner && rights.includes('r'))
}

/** Clients select mailboxes all the time: it is looked at again after a while. */
const ALERT_PAUSE_MS = 60_000

/** Tells the user once a session that the account is nearly full (RFC 3501 section 7.1 ALERT). */
export async function alertOfQuota(session: Session): Promise<void> {
  const { services, account, offer, out, quotaAlert } = session
  const now = session.clock.now()
  if (session.hasAlerted || quotaAlert === 0 || now < session.nextQuotaLook) return
  session.nextQuotaLook = now + ALERT_PAUSE_MS
  const full = resourcesOf(await services.store.quota(account), offer).find(
    ({ usage, limit }) => usage * 100 >= limit * quotaAlert,
  )
  if (full === undefined) return
  session.hasAlerted = true
  const kind = full.name === 'STORAGE' ? 'space' : 'number of messages'
  const percent = full.limit === 0 ? 100 : Math.floor((full.usage * 100) / full.limit)
  out.untagged(`OK [ALERT] ${percent}% of the ${kind} that this account may have is used`)
}
