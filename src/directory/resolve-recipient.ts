import { recipientResolved } from '../kernel/moments.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import { type Address, addressKey, splitSubaddress } from '../mail/address.ts'
import type { Account, Resolution } from './directory.ts'
import type { DirectoryData } from './directory-data.ts'

/** Aliases of aliases that are followed; one that goes deeper delivers what it reached so far. */
const MAX_DEPTH = 20
/** Addresses that one address may stand for. */
const MAX_TARGETS = 10_000

interface Found {
  readonly accounts: Map<string, { account: Account; subaddress?: string }>
  readonly forward: Map<string, Address>
  readonly seen: Set<string>
}

/**
 * Follows an address to the accounts and outside addresses it stands for: account, alias, subaddress (RFC 5233), a
 * plugin's answer, catch-all, the default for postmaster, in this order. A circle ends where it closes. Aliases that lead to nobody are unknown.
 * @param options.catchAll false: an address that only the catch-all takes is unknown
 */
export async function resolveRecipient(
  data: DirectoryData,
  run: HookRunner,
  address: Address,
  options: { catchAll: boolean } = { catchAll: true },
): Promise<Resolution> {
  if ((await data.domain(address.domain)) === undefined) return { kind: 'remote' }
  const found: Found = { accounts: new Map(), forward: new Map(), seen: new Set() }
  await follow(address, 0)
  if (found.accounts.size === 0 && found.forward.size === 0) return { kind: 'unknown' }
  return { kind: 'local', accounts: [...found.accounts.values()], forward: [...found.forward.values()] }

  async function follow(target: Address, depth: number, inherited?: string): Promise<void> {
    const key = addressKey(target)
    if (found.seen.has(key) || found.seen.size > MAX_TARGETS || depth > MAX_DEPTH) return
    found.seen.add(key)
    const domain = await data.domain(target.domain)
    if (domain === undefined) {
      found.forward.set(key, target)
      return
    }
    if (await take(key, depth, inherited)) return
    const { user, tag } = splitSubaddress(target.local, domain.subaddressDelimiter)
    const untagged = { local: user, domain: target.domain }
    if (tag !== undefined && (await take(addressKey(untagged), depth, tag))) return
    const answer = await run.resolve(recipientResolved, { address: target })
    if (answer !== undefined) {
      for (const next of answer.addresses) await follow(next, depth + 1, inherited)
      return
    }
    if (!options.catchAll) return
    if (domain.catchAll !== undefined) await follow(domain.catchAll, depth + 1)
    else if (target.local.toLowerCase() === 'postmaster') await takePostmaster()
  }

  /** RFC 5321 section 4.5.1: every domain takes mail to postmaster. Where nobody was named, the first account gets it. */
  async function takePostmaster(): Promise<void> {
    const account = await data.firstAccount()
    if (account !== undefined) found.accounts.set(account.id, { account })
  }

  /** Is it an account or an alias? Then its accounts are taken. A disabled account is nobody. */
  async function take(key: string, depth: number, subaddress: string | undefined): Promise<boolean> {
    const known = await data.account(key)
    if (known !== undefined) {
      const { account } = known
      if (account.disabled) return false
      if (!found.accounts.has(account.id))
        found.accounts.set(account.id, { account, ...(subaddress !== undefined && { subaddress }) })
      return true
    }
    const alias = await data.alias(key)
    if (alias === undefined) return false
    for (const next of alias.targets) await follow(next, depth + 1, subaddress)
    return true
  }
}
