import { defineService } from '../kernel/service.ts'
import type { Address } from '../mail/address.ts'
import type { AccountId } from '../store/mail-store.ts'

export interface Account {
  readonly id: AccountId
  /** The account's main address, which is also its login. */
  readonly address: Address
  readonly name?: string
  /** `config` accounts are changed in git, `store` accounts by `mailserver user …`. */
  readonly source: 'config' | 'store'
  readonly disabled: boolean
  readonly maxBytes?: number
  readonly maxMessages?: number
  readonly createdAt: number
}

export interface Alias {
  readonly address: Address
  /** Local or remote addresses; another alias may be among them. */
  readonly targets: readonly Address[]
  readonly source: 'config' | 'store'
}

export interface Domain {
  readonly name: string
  /** Where mail to unknown local parts goes; absent: it is refused. */
  readonly catchAll?: Address
  /** What separates a subaddress, `+` by default; empty for none (RFC 5233). */
  readonly subaddressDelimiter: string
  readonly source: 'config' | 'store'
}

/** Where mail for an address goes. */
export type Resolution =
  /** Ours: the accounts that get it, and the addresses elsewhere that it is forwarded to. Never both empty. */
  | {
      readonly kind: 'local'
      readonly accounts: readonly { readonly account: Account; readonly subaddress?: string }[]
      readonly forward: readonly Address[]
    }
  /** Our domain, nobody of that name. */
  | { readonly kind: 'unknown' }
  /** Not our domain. */
  | { readonly kind: 'remote' }

/**
 * Who exists here: domains, accounts, aliases, from the config and from the store.
 * @throws MailError UNAVAILABLE from every method when the answer cannot be had: callers answer "try again", never "unknown"
 */
export interface Directory {
  isLocalDomain(domain: string): Promise<boolean>
  /** Follows aliases, subaddresses and the catch-all to the end; a circle of aliases ends where it closes. */
  resolve(address: Address): Promise<Resolution>
  account(id: AccountId): Promise<Account | undefined>
  accountByAddress(address: Address): Promise<Account | undefined>
  /** May this account send as this address? Its own, an alias that leads to it, a subaddress of either. */
  maySendAs(account: AccountId, sender: Address): Promise<boolean>

  accounts(): Promise<readonly Account[]>
  aliases(): Promise<readonly Alias[]>
  domains(): Promise<readonly Domain[]>

  // Changes, to the store alone. @throws MailError CONFLICT (it exists), NOT_FOUND, NOT_ALLOWED (it stands in the config), INVALID
  /** @param password in clear, hashed with argon2id before it goes anywhere */
  addAccount(account: NewAccount, password: string): Promise<Account>
  updateAccount(address: Address, change: AccountChange): Promise<Account>
  setPassword(address: Address, password: string): Promise<void>
  removeAccount(address: Address): Promise<void>
  addAlias(address: Address, targets: readonly Address[]): Promise<void>
  removeAlias(address: Address): Promise<void>
  addDomain(domain: { name: string; catchAll?: Address; subaddressDelimiter?: string }): Promise<void>
  /**
   * Its mail is no longer ours, and its accounts cannot log in.
   * @param options.force also when it has accounts; without it that is a CONFLICT
   */
  removeDomain(name: string, options?: { force?: boolean }): Promise<void>
}

export interface NewAccount {
  readonly address: Address
  readonly name?: string
  readonly maxBytes?: number
  readonly maxMessages?: number
}

/** null takes a value away. */
export interface AccountChange {
  readonly name?: string | null
  readonly disabled?: boolean
  readonly maxBytes?: number | null
  readonly maxMessages?: number | null
}

export const directory = defineService<Directory>('core:directory')

/** What a client showed to prove who it is. */
export interface Credentials {
  readonly mechanism: 'PLAIN' | 'LOGIN' | 'USER'
  /** The login as given: an address, or a local part where there is one domain alone. */
  readonly login: string
  readonly password: string
  /** RFC 4616: act as this account; only one's own is allowed. */
  readonly authorizationId?: string
  /** `imap`, `pop3`, `submission`. */
  readonly protocol: string
  readonly remoteAddress: string
}

/**
 * Checks credentials, for every protocol. Constant in time for known and unknown logins; at most one password hash at a
 * time a process with a bounded, fair queue in front; a credential that was right is remembered for a bounded time.
 */
export interface Authenticator {
  /**
   * @throws MailError AUTHENTICATION_FAILED (wrong, unknown or disabled: never which), LIMIT_REACHED (too many failures from
   * this address, or too many waiting), UNAVAILABLE
   */
  authenticate(credentials: Credentials, signal?: AbortSignal): Promise<Account>
}

export const authenticator = defineService<Authenticator>('core:authenticator')
