import { createHmac } from 'node:crypto'
import type { Account } from './directory.ts'
import type { DirectoryData, KnownAccount } from './directory-data.ts'
import { findLogin } from './find-login.ts'
import type { HashQueue } from './hash-queue.ts'
import type { LoginAdmission } from './login-admission.ts'
import { fingerprint, isHash } from './password.ts'
import type { SaslChannel } from './sasl/sasl.ts'
import type { ScramAttempt, ScramLogins } from './sasl/scram.ts'
import { SCRAM_ITERATIONS, SCRAM_SALT_BYTES, type ScramVerifier, scramVerifier } from './scram-verifier.ts'

const MAX_DERIVED = 10_000

export interface ScramAuthenticatorParts {
  readonly data: DirectoryData
  readonly hashes: HashQueue
  readonly admission: LoginAdmission
  /** The same in all workers and after each start: salts come from it. */
  readonly secret: () => Buffer
  readonly isOffered: () => boolean
}

/** Logins by SCRAM (RFC 5802) against what the directory keeps, or makes of a password that the config has in clear. */
export class ScramAuthenticator implements ScramLogins {
  readonly #parts: ScramAuthenticatorParts
  /** Verifiers of passwords in clear, by a fingerprint of login and password. */
  readonly #derived = new Map<string, ScramVerifier>()

  constructor(parts: ScramAuthenticatorParts) {
    this.#parts = parts
  }

  isOffered(): boolean {
    return this.#parts.isOffered()
  }

  async verifier(login: string, remoteAddress: string): Promise<ScramVerifier> {
    this.#parts.admission.admit(remoteAddress)
    const known = await findLogin(this.#parts.data, login)
    return (await this.#verifierOf(known, remoteAddress)) ?? this.#decoy(login)
  }

  async conclude(attempt: ScramAttempt, { remoteAddress }: SaslChannel): Promise<Account> {
    const { login, authorizationId, isRight } = attempt
    const known = isRight ? await findLogin(this.#parts.data, login) : undefined
    // Every wrong proof is another one: nothing tells whether the password was the same.
    const once = fingerprint(login, attempt.proof).toString('latin1')
    return this.#parts.admission.conclude(known, { login, remoteAddress, authorizationId, fingerprint: once })
  }

  async #verifierOf(known: KnownAccount | undefined, peer: string): Promise<ScramVerifier | undefined> {
    if (known === undefined || known.account.disabled) return undefined
    if (known.hash !== undefined) return known.scram
    const password = known.configured
    if (password === undefined || isHash(password)) return undefined
    const id = fingerprint(known.account.id, password).toString('latin1')
    const derived = this.#derived.get(id)
    if (derived !== undefined) return derived
    const made = await this.#parts.hashes.run(peer, () => scramVerifier(password, this.#salt(known.account.id)))
    if (this.#derived.size >= MAX_DERIVED) this.#derived.clear()
    if (made !== undefined) this.#derived.set(id, made)
    return made
  }

  /** Nobody has its password; who asks again gets the same, as for a login that exists. */
  #decoy(login: string): ScramVerifier {
    return {
      salt: this.#salt(login).toString('base64'),
      iterations: SCRAM_ITERATIONS,
      storedKey: this.#keyed('stored', login).toString('base64'),
      serverKey: this.#keyed('server', login).toString('base64'),
    }
  }

  #salt(name: string): Buffer {
    return this.#keyed('salt', name).subarray(0, SCRAM_SALT_BYTES)
  }

  #keyed(use: string, name: string): Buffer {
    return createHmac('sha256', this.#parts.secret()).update(`${use} ${name.toLowerCase()}`).digest()
  }
}
