import type { AccountId, MailboxEvent, MailStore } from 'mailserver'

export interface AccountListener {
  onEvent(account: AccountId, event: MailboxEvent): void
  /** Others gave the user rights on their mailboxes, or took them. */
  onGrants(): void
}

/** The accounts that one session follows, with one watch for each, and what others share with its user. */
export class AccountWatches {
  readonly #store: Pick<MailStore, 'watch' | 'watchGrants'>
  readonly #listener: AccountListener
  readonly #watches = new Map<AccountId, () => void>()
  #unwatchGrants: (() => void) | undefined

  constructor(store: Pick<MailStore, 'watch' | 'watchGrants'>, listener: AccountListener) {
    this.#store = store
    this.#listener = listener
  }

  watch(account: AccountId): void {
    if (this.#watches.has(account)) return
    this.#watches.set(
      account,
      this.#store.watch(account, (event) => this.#listener.onEvent(account, event)),
    )
  }

  /** Lets go of all other accounts. */
  keep(accounts: ReadonlySet<AccountId>): void {
    for (const [account, unwatch] of this.#watches) {
      if (accounts.has(account)) continue
      unwatch()
      this.#watches.delete(account)
    }
  }

  /** @param user whose rights are followed; undefined for nobody's */
  watchGrants(user: AccountId | undefined): void {
    if ((user !== undefined) === (this.#unwatchGrants !== undefined)) return
    this.#unwatchGrants?.()
    this.#unwatchGrants =
      user === undefined ? undefined : this.#store.watchGrants(user, () => this.#listener.onGrants())
  }

  close(): void {
    this.keep(new Set())
    this.watchGrants(undefined)
  }
}
