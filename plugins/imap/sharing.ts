import { type Account, type Address, addressKey } from 'mailserver'

/** The first level under which the mailboxes of other users stand, each user's under the address. */
export const OTHER_USERS = 'Other Users'
/** The first level under which the mailboxes of the public account stand, when there is one. */
export const SHARED = 'Shared'

/** What the config says of mailboxes that are not a user's own. */
export interface Sharing {
  /** The account whose mailboxes stand under `Shared`. */
  readonly shared: Address | undefined
  /** Accounts that have every right under `Shared`, set quotas and write the server's annotations. */
  readonly administrators: readonly Address[]
  /** How the administrator is reached, as the server's annotation `/shared/admin` says: a URI. */
  readonly adminContact?: string | undefined
  /** Hundredths of a quota from which on a user is told so once a session; 0 for never. */
  readonly quotaAlert?: number
}

export const NO_SHARING: Sharing = { shared: undefined, administrators: [] }

export function isAdministrator({ administrators }: Sharing, account: Account): boolean {
  const own = addressKey(account.address)
  return administrators.some((address) => addressKey(address) === own)
}
