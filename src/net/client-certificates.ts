import { X509Certificate } from 'node:crypto'
import { ConfigError } from '../errors/config-error.ts'

/** RFC 5280 section 4.2.1.12: id-kp-clientAuth. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2'
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** The authorities whose certificates prove who a client is. */
export class ClientAuthorities {
  readonly #authorities: readonly X509Certificate[]

  /** @param pem one or more certificates. @throws ConfigError when there is none */
  constructor(pem: string) {
    try {
      this.#authorities = (pem.match(PEM) ?? []).map((text) => new X509Certificate(text))
    } catch (cause) {
      throw unusable(cause)
    }
    if (this.#authorities.length === 0) throw unusable(undefined)
  }

  /**
   * One of them has issued it, for clients, and it is valid now. The authority is trusted as it stands: intermediate
   * authorities have to be listed themselves.
   */
  vouchFor(certificate: X509Certificate, now: number): boolean {
    const isValid = certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime()
    const usages = certificate.keyUsage as readonly string[] | undefined
    if (!isValid || (usages !== undefined && !usages.includes(CLIENT_AUTH))) return false
    return this.#authorities.some(
      (authority) => authority.ca && certificate.checkIssued(authority) && certificate.verify(authority.publicKey),
    )
  }
}

function unusable(cause: unknown): ConfigError {
  return new ConfigError([{ path: 'clientCertificates.ca', message: 'expected one or more certificates in PEM' }], {
    cause,
  })
}
