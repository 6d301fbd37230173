import { authenticateToken } from '../kernel/moments.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import { addressKey, parseAddress } from '../mail/address.ts'
import type { Account } from './directory.ts'
import type { DirectoryData, KnownAccount } from './directory-data.ts'
import { findLogin } from './find-login.ts'
import type { LoginAdmission } from './login-admission.ts'
import { fingerprint } from './password.ts'
import type { BearerLogins } from './sasl/bearer.ts'
import type { CertificateLogins } from './sasl/external.ts'
import type { SaslChannel } from './sasl/sasl.ts'

export interface OtherLoginsParts {
  readonly data: DirectoryData
  readonly run: HookRunner
  readonly admission: LoginAdmission
}

/** Logins that show no password: a token that a plugin checks, a certificate that TLS has checked. */
export class OtherLogins implements BearerLogins, CertificateLogins {
  readonly #parts: OtherLoginsParts

  constructor(parts: OtherLoginsParts) {
    this.#parts = parts
  }

  isOffered(): boolean {
    return this.#parts.run.isHandled(authenticateToken)
  }

  async authenticateToken(token: string, login: string | undefined, channel: SaslChannel): Promise<Account> {
    const { admission, data, run } = this.#parts
    const { protocol, remoteAddress, signal } = channel
    admission.admit(remoteAddress)
    const answer = await run.resolve(authenticateToken, { token, login, protocol, remoteAddress }, signal)
    const known = answer ? await data.account(addressKey(answer.address)) : undefined
    const attempt = { login: login ?? '', remoteAddress, authorizationId: login }
    return admission.conclude(known, { ...attempt, fingerprint: fingerprint(token).toString('latin1') })
  }

  async authenticateAddresses(
    addresses: readonly string[],
    authorizationId: string | undefined,
    { remoteAddress }: SaslChannel,
  ): Promise<Account> {
    const { admission } = this.#parts
    admission.admit(remoteAddress)
    const known = await this.#firstOf(addresses, authorizationId)
    const login = addresses.join(' ')
    const attempt = { login, remoteAddress, authorizationId }
    return admission.conclude(known, { ...attempt, fingerprint: fingerprint(login).toString('latin1') })
  }

  /** The account of the certificate that the client asks for, or the first one. */
  async #firstOf(addresses: readonly string[], authorizationId: string | undefined): Promise<KnownAccount | undefined> {
    const { data } = this.#parts
    const wanted = authorizationId === undefined ? undefined : await findLogin(data, authorizationId)
    if (authorizationId !== undefined && wanted === undefined) return undefined
    for (const text of addresses) {
      const address = parseAddress(text)
      const known = address === undefined ? undefined : await data.account(addressKey(address))
      if (known !== undefined && (wanted === undefined || wanted.account.id === known.account.id)) return known
    }
    return undefined
  }
}
