import { MailError } from '../errors/mail-error.ts'
import type { Clock } from '../kernel/clock.ts'
import { authenticate } from '../kernel/moments.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import { addressKey, parseAddress } from '../mail/address.ts'
import type { Account, Authenticator, Credentials } from './directory.ts'
import type { DirectoryData, KnownAccount } from './directory-data.ts'
import { HashQueue } from './hash-queue.ts'
import { LoginFailures } from './login-failures.ts'
import { fingerprint, hashPassword, isHash, isSame, MAX_PASSWORD_BYTES, verifyPassword } from './password.ts'

/** How long a credential that was right is believed without hashing it again. */
const REMEMBER_MS = 5 * 60_000
const MAX_REMEMBERED = 50_000

/** Checks passwords against the directory, after the plugins that know logins of their own. */
export class PasswordAuthenticator implements Authenticator {
  readonly #data: DirectoryData
  readonly #run: HookRunner
  readonly #clock: Clock
  readonly #hashes = new HashQueue()
  readonly #failures: LoginFailures
  /** Fingerprint of a right credential to when it ends. */
  readonly #remembered = new Map<string, number>()
  /** A hash of nothing in particular: an unknown login costs the time of a known one. */
  #decoy: Promise<string> | undefined

  constructor(data: DirectoryData, run: HookRunner, clock: Clock) {
    this.#data = data
    this.#run = run
    this.#clock = clock
    this.#failures = new LoginFailures(clock)
  }

  /** Forgets every remembered credential: a password, or an account, has changed. */
  forget(): void {
    this.#remembered.clear()
  }

  async authenticate(credentials: Credentials, signal?: AbortSignal): Promise<Account> {
    const { login, password, remoteAddress } = credentials
    if (this.#failures.isBlocked(remoteAddress)) {
      throw new MailError('LIMIT_REACHED', `too many failed logins from ${remoteAddress}`)
    }
    const account = await this.#check(credentials, signal)
    if (account === undefined || !mayActAs(account, credentials.authorizationId)) {
      this.#failures.add(remoteAddress, fingerprint(login, password).toString('latin1'))
      throw new MailError('AUTHENTICATION_FAILED', `login of ${printable(login)} from ${remoteAddress} failed`)
    }
    this.#failures.clear(remoteAddress)
    return account
  }

  async #check(credentials: Credentials, signal?: AbortSignal): Promise<Account | undefined> {
    const { login, password, protocol, remoteAddress } = credentials
    if (password === '' || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return undefined
    const answer = await this.#run.resolve(authenticate, { login, password, protocol, remoteAddress }, signal)
    if (answer === false) return undefined
    if (answer !== undefined) return enabled(await this.#data.account(addressKey(answer.address)))
    const known = await this.#lookUp(login)
    const isRight = await this.#isRight(known, password, remoteAddress, signal)
    return isRight ? enabled(known) : undefined
  }

  async #isRight(
    known: KnownAccount | undefined,
    password: string,
    peer: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const expected = known?.hash ?? known?.configured
    if (expected !== undefined && !isHash(expected)) return isSame(expected, password)
    const proof = fingerprint(expected ?? '', password).toString('latin1')
    if (expected !== undefined && (this.#remembered.get(proof) ?? 0) > this.#clock.now()) return true
    this.#decoy ??= hashPassword('decoy')
    const against = expected ?? (await this.#decoy)
    const isRight = await this.#hashes.run(peer, () => verifyPassword(against, password), signal)
    if (!isRight || expected === undefined) return false
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(proof, this.#clock.now() + REMEMBER_MS)
    return true
  }

  /** An address, or a local part where there is one domain alone. */
  async #lookUp(login: string): Promise<KnownAccount | undefined> {
    let text = login
    if (!login.includes('@')) {
      const domains = await this.#data.domains()
      const [only] = domains
      if (domains.length !== 1 || only === undefined) return undefined
      text = `${login}@${only.name}`
    }
    const address = parseAddress(text)
    return address === undefined ? undefined : this.#data.account(addressKey(address))
  }
}

function enabled(known: KnownAccount | undefined): Account | undefined {
  return known === undefined || known.account.disabled ? undefined : known.account
}

/** RFC 4616 section 2: an authorization identity, when given, must be the account's own. */
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
