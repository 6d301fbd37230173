import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { ConfigError } from '../errors/config-error.ts'
import type { Clock } from '../kernel/clock.ts'
import { normalizeDomain } from '../mail/address.ts'
import type { ClientAuthorities } from './client-certificates.ts'
import { serverHandshake } from './handshake.ts'
import type { TlsContexts } from './listeners.ts'

/** RFC 8996: TLS 1.0 and 1.1 must not be used. */
const MIN_VERSION = 'TLSv1.2'

export interface Certificate {
  /** PEM, the chain included. */
  readonly cert: string
  readonly key: string
  /** Server names it is for; its own names when absent. */
  readonly names?: readonly string[] | undefined
}

export interface CertificateSource {
  /** The first is the default. Never empty. */
  readonly certificates: readonly Certificate[]
  readonly isSelfSigned: boolean
  /** File of the default certificate, when this server made it. */
  readonly certFile: string | undefined
}

/** Server certificates, chosen by name. @throws ConfigError when a certificate or key cannot be used */
export function tlsContextsOf(source: CertificateSource, clock: Clock, authorities?: ClientAuthorities): TlsContexts {
  const loaded = source.certificates.map(load)
  const first = loaded[0]
  if (first === undefined) throw new Error('there is no certificate')
  const byName = new Map<string, SecureContext>()
  for (const { names, context } of loaded) {
    for (const name of names) if (!byName.has(name)) byName.set(name, context)
  }
  const contextFor = (servername: string | undefined): SecureContext => {
    const name = servername === undefined ? undefined : normalizeDomain(servername)
    if (name === undefined) return first.context
    return byName.get(name) ?? byName.get(`*${name.slice(name.indexOf('.'))}`) ?? first.context
  }
  return {
    contextFor,
    upgrade: (socket, timeoutMs, options) => {
      const asksForCertificate = authorities !== undefined && options?.asksForCertificate === true
      return serverHandshake(socket, { contextFor, timeoutMs, clock, asksForCertificate })
    },
    clientCertificate: (socket) => {
      const certificate = socket.getPeerX509Certificate()
      return certificate !== undefined && authorities?.vouchFor(certificate, clock.now()) ? certificate : undefined
    },
    summary: {
      fingerprint: `SHA256 ${first.fingerprint}`,
      isSelfSigned: source.isSelfSigned,
      certFile: source.certFile,
    },
  }
}

function load(certificate: Certificate, at: number): { names: string[]; context: SecureContext; fingerprint: string } {
  const path = `tls[${at}]`
  const x509 = attempt(`${path}.cert`, 'a certificate in PEM', () => new X509Certificate(certificate.cert))
  const key = attempt(`${path}.key`, 'a private key in PEM', () => createPrivateKey(certificate.key))
  if (!x509.checkPrivateKey(key)) {
    throw new ConfigError([
      { path: `${path}.key`, message: 'expected the private key of this certificate, got another' },
    ])
  }
  const context = attempt(path, 'a certificate and key that TLS can use', () =>
    createSecureContext({ cert: certificate.cert, key: certificate.key, minVersion: MIN_VERSION }),
  )
  const names = (certificate.names ?? namesIn(x509)).map((name) => name.toLowerCase().replace(/\.$/, ''))
  return { names, context, fingerprint: x509.fingerprint256 }
}

/** DNS names of the subjectAltName extension (RFC 6125 section 6.4; the common name is no longer looked at). */
function namesIn(x509: X509Certificate): string[] {
  return (x509.subjectAltName ?? '')
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:'))
    .map((entry) => entry.slice('DNS:'.length))
}

function attempt<T>(path: string, expected: string, make: () => T): T {
  try {
    return make()
  } catch (cause) {
    throw new ConfigError([{ path, message: `expected ${expected}: ${(cause as Error).message}` }], { cause })
  }
}
