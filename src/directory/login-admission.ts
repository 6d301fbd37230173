import { MailError } from '../errors/mail-error.ts'
import type { Clock } from '../kernel/clock.ts'
import { addressKey, parseAddress } from '../mail/address.ts'
import type { Account } from './directory.ts'
import type { KnownAccount } from './directory-data.ts'
import { LoginFailures } from './login-failures.ts'

export interface LoginAttempt {
  /** As the client gave it. */
  readonly login: string
  readonly remoteAddress: string
  /** RFC 4422 section 3.4.1: act as this account; only one's own is allowed. */
  readonly authorizationId?: string | undefined
  /** Tells one wrong attempt from another: the same one over and over counts once. */
  readonly fingerprint: string
}

/** What every login passes, whatever its mechanism: how often an address may try, and who is let in in the end. */
export class LoginAdmission {
  readonly #failures: LoginFailures

  constructor(clock: Clock) {
    this.#failures = new LoginFailures(clock)
  }

  /** @throws MailError LIMIT_REACHED when this address has failed too often lately */
  admit(remoteAddress: string): void {
    if (this.#failures.isBlocked(remoteAddress)) {
      throw new MailError('LIMIT_REACHED', `too many failed logins from ${remoteAddress}`)
    }
  }

  /**
   * @param known whose proof was right; undefined when it was not
   * @throws MailError AUTHENTICATION_FAILED
   */
  conclude(known: KnownAccount | undefined, attempt: LoginAttempt): Account {
    const { login, remoteAddress, authorizationId, fingerprint } = attempt
    if (known === undefined || known.account.disabled || !mayActAs(known.account, authorizationId)) {
      this.#failures.add(remoteAddress, fingerprint)
      throw new MailError('AUTHENTICATION_FAILED', `login of ${printable(login)} from ${remoteAddress} failed`)
    }
    this.#failures.clear(remoteAddress)
    return known.account
  }
}

function mayActAs(account: Account, authorizationId: string | undefined): boolean {
  if (authorizationId === undefined || authorizationId === '') return true
  const address = parseAddress(
    authorizationId.includes('@') ? authorizationId : `${authorizationId}@${account.address.domain}`,
  )
  return address !== undefined && addressKey(address) === addressKey(account.address)
}

/** A login as it may stand in a log: a peer can send anything. */
function printable(login: string): string {
  return JSON.stringify(login.slice(0, 100))
}
