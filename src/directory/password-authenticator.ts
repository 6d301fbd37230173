import type { Clock } from '../kernel/clock.ts'
import { authenticate } from '../kernel/moments.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import type { Account, Authenticator, Credentials } from './directory.ts'
import type { DirectoryData, KnownAccount } from './directory-data.ts'
import { findLogin } from './find-login.ts'
import type { HashQueue } from './hash-queue.ts'
import type { LoginAdmission } from './login-admission.ts'
import { fingerprint, hashPassword, isHash, isSame, MAX_PASSWORD_BYTES, verifyPassword } from './password.ts'

/** How long a credential that was right is believed without hashing it again. */
const REMEMBER_MS = 5 * 60_000
const MAX_REMEMBERED = 50_000

export interface PasswordAuthenticatorParts {
  readonly data: DirectoryData
  readonly run: HookRunner
  readonly clock: Clock
  readonly hashes: HashQueue
  readonly admission: LoginAdmission
}

/** Checks passwords against the directory, after the plugins that know logins of their own. */
export class PasswordAuthenticator implements Authenticator {
  readonly #parts: PasswordAuthenticatorParts
  /** Fingerprint of a right credential to when it ends. */
  readonly #remembered = new Map<string, number>()
  /** A hash of nothing in particular: an unknown login costs the time of a known one. */
  #decoy: Promise<string> | undefined

  constructor(parts: PasswordAuthenticatorParts) {
    this.#parts = parts
  }

  /** Forgets every remembered credential: a password, or an account, has changed. */
  forget(): void {
    this.#remembered.clear()
  }

  async authenticate(credentials: Credentials, signal?: AbortSignal): Promise<Account> {
    const { admission } = this.#parts
    const { login, password, remoteAddress, authorizationId } = credentials
    admission.admit(remoteAddress)
    const known = await this.#check(credentials, signal)
    const attempt = { login, remoteAddress, authorizationId }
    return admission.conclude(known, { ...attempt, fingerprint: fingerprint(login, password).toString('latin1') })
  }

  /** @returns the account whose password it is */
  async #check(credentials: Credentials, signal?: AbortSignal): Promise<KnownAccount | undefined> {
    const { data, run } = this.#parts
    const { login, password, protocol, remoteAddress } = credentials
    if (password === '' || Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return undefined
    const answer = await run.resolve(authenticate, { login, password, protocol, remoteAddress }, signal)
    if (answer === false) return undefined
    if (answer !== undefined) return data.accountOfOurs(answer.address)
    const known = await findLogin(data, login)
    return (await this.#isRight(known, password, remoteAddress, signal)) ? known : undefined
  }

  async #isRight(
    known: KnownAccount | undefined,
    password: string,
    peer: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    const { clock, hashes } = this.#parts
    const expected = known?.hash ?? known?.configured
    if (expected !== undefined && !isHash(expected)) return isSame(expected, password)
    const proof = fingerprint(expected ?? '', password).toString('latin1')
    if (expected !== undefined && (this.#remembered.get(proof) ?? 0) > clock.now()) return true
    this.#decoy ??= hashPassword('decoy')
    const against = expected ?? (await this.#decoy)
    const isRight = await hashes.run(peer, () => verifyPassword(against, password), signal)
    if (!isRight || expected === undefined) return false
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear()
    this.#remembered.set(proof, clock.now() + REMEMBER_MS)
    return true
  }
}
