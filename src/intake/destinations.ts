import type { Account } from '../directory/directory.ts'
import { routeChosen } from '../kernel/moments.ts'
import { type Address, formatAddress, parseAddress } from '../mail/address.ts'
import type { Recipient } from '../mail/envelope.ts'
import type { AccountId } from '../store/mail-store.ts'
import type { IntakeCore } from './core.ts'
import type { Disposition } from './disposition.ts'
import type { Trace } from './trace.ts'
import type { Taken } from './transaction.ts'

export interface LocalCopy {
  readonly account: Account
  /** As the envelope has it. */
  readonly recipient: Recipient
  readonly subaddress: string | undefined
  readonly isQuarantined: boolean
}

export interface RemoteCopy {
  readonly recipient: Recipient
  readonly route?: string
}

/** Where the copies of a message go: one for each account and for each outside address, however often it is named. */
export interface Destinations {
  readonly local: ReadonlyMap<AccountId, LocalCopy>
  readonly remote: ReadonlyMap<string, RemoteCopy>
  /** For each recipient of the envelope, the accounts and outside addresses that it came to. */
  readonly of: readonly { readonly accounts: readonly AccountId[]; readonly remote: number }[]
}

/**
 * Where the recipients' mail goes, after what the hooks decided.
 * @throws MailError UNAVAILABLE when the directory or a route cannot tell
 */
export async function findDestinations(
  core: IntakeCore,
  sender: Address | undefined,
  taken: readonly Taken[],
  whole: Disposition,
  trace: Trace,
): Promise<Destinations> {
  const local = new Map<AccountId, LocalCopy>()
  const remote = new Map<string, RemoteCopy>()
  const add = async ({ recipient, resolution }: Pick<Taken, 'recipient' | 'resolution'>, isQuarantined: boolean) => {
    const accounts: AccountId[] = []
    const outside =
      resolution.kind === 'remote' ? [recipient] : resolution.forward.map((to) => forwarded(recipient, to))
    for (const { account, subaddress } of resolution.kind === 'local' ? resolution.accounts : []) {
      accounts.push(account.id)
      if (!local.has(account.id)) local.set(account.id, { account, recipient, subaddress, isQuarantined })
    }
    for (const copy of outside) {
      // RFC 5321 section 2.4: whether the case of a local part matters is for its own server to say.
      const key = formatAddress(copy.address)
      if (remote.has(key)) continue
      const chosen = await core.run.resolve(routeChosen, { sender, recipient: copy.address })
      remote.set(key, { recipient: copy, ...(chosen !== undefined && { route: chosen.route }) })
    }
    return { accounts, remote: outside.length }
  }

  const of: { accounts: readonly AccountId[]; remote: number }[] = []
  const wholly = whole.redirect === undefined ? undefined : await redirected(core, whole.redirect, trace)
  for (const one of taken) {
    const reason = whole.discard ?? one.disposition.discard
    const redirect = one.disposition.redirect
    const targets = wholly ?? (redirect === undefined ? [one] : await redirected(core, redirect, trace))
    if (reason !== undefined) {
      trace.add('discarded', `${formatAddress(one.recipient.address)}: ${reason}`)
      of.push({ accounts: [], remote: 0 })
      continue
    }
    const isQuarantined = (whole.quarantine ?? one.disposition.quarantine) !== undefined
    const accounts: AccountId[] = []
    let outside = 0
    for (const target of targets) {
      const came = await add(target, isQuarantined)
      accounts.push(...came.accounts)
      outside += came.remote
    }
    of.push({ accounts, remote: outside })
  }
  return { local, remote, of }
}

/** Nowhere to send it: every address that a redirect named is unknown. An operator's mistake, not the sender's. */
export class RedirectedNowhere extends Error {
  override readonly name = 'RedirectedNowhere'
}

async function redirected(
  core: IntakeCore,
  to: readonly string[],
  trace: Trace,
): Promise<Pick<Taken, 'recipient' | 'resolution'>[]> {
  const found: Pick<Taken, 'recipient' | 'resolution'>[] = []
  for (const text of to) {
    const address = parseAddress(text)
    const resolution = address === undefined ? undefined : await core.directory.resolve(address)
    if (address === undefined || resolution === undefined || resolution.kind === 'unknown') {
      trace.add('redirect', `no copy for ${text}: there is no such user`)
      continue
    }
    found.push({ recipient: { address }, resolution })
  }
  if (found.length === 0) throw new RedirectedNowhere(`redirected to ${to.join(', ')}: nobody of them exists`)
  return found
}

/** What the sender asked for the alias goes with the copy, under the name that the sender knows (RFC 3461 section 5.2.7). */
function forwarded(recipient: Recipient, address: Address): Recipient {
  return {
    ...recipient,
    address,
    originalRecipient: recipient.originalRecipient ?? `rfc822;${formatAddress(recipient.address)}`,
  }
}
