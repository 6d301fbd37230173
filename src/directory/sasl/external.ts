import type { X509Certificate } from 'node:crypto'
import type { Account } from '../directory.ts'
import { utf8 } from './response.ts'
import type { SaslChannel, SaslMechanism } from './sasl.ts'

export interface CertificateLogins {
  /** @throws MailError AUTHENTICATION_FAILED, LIMIT_REACHED, UNAVAILABLE */
  authenticateAddresses(
    addresses: readonly string[],
    authorizationId: string | undefined,
    channel: SaslChannel,
  ): Promise<Account>
}

/** EXTERNAL (RFC 4422 appendix A): the client's certificate says who it is. Offered where it has shown a right one. */
export function external(logins: CertificateLogins): SaslMechanism {
  return {
    isOffered: ({ tls }) => addressesOf(tls?.certificate).length > 0,
    start: (channel) => async (response) => {
      if (response === undefined) return { kind: 'challenge', data: Buffer.alloc(0) }
      const authorizationId = utf8('EXTERNAL', response) || undefined
      const addresses = addressesOf(channel.tls?.certificate)
      return { kind: 'done', account: await logins.authenticateAddresses(addresses, authorizationId, channel) }
    },
  }
}

/** The mail addresses of the subjectAltName extension (RFC 5280 section 4.2.1.6). */
function addressesOf(certificate: X509Certificate | undefined): string[] {
  return (certificate?.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('email:'))
    .map((entry) => entry.slice('email:'.length))
}
