import { createPrivateKey, createPublicKey, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'
import * as der from './der.ts'

/** RFC 5280 appendix A: ub-common-name. */
const MAX_COMMON_NAME = 64
const SERIAL_BYTES = 16
const VERSION_3 = Buffer.from([2])

const OID = {
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  commonName: '2.5.4.3',
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
  subjectAltName: '2.5.29.17',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const

/** GeneralName (RFC 5280 section 4.2.1.6). */
const DNS_NAME = 2
const IP_ADDRESS = 7
/** The first bit of KeyUsage, and how many of its octet mean nothing. */
const DIGITAL_SIGNATURE = Buffer.from([0x80])
const DIGITAL_SIGNATURE_UNUSED_BITS = 7

export interface CertificateRequest {
  /** PEM of a P-256 private key: the certificate is for it, and signed with it. */
  readonly key: string
  /** Names and IP addresses; the first is the subject. */
  readonly names: readonly [string, ...string[]]
  readonly notBefore: Date
  readonly notAfter: Date
}

/** A self-signed server certificate (RFC 5280), in PEM. */
export function selfSignedCertificate({ key, names, notBefore, notAfter }: CertificateRequest): string {
  const privateKey = createPrivateKey(key)
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const algorithm = der.sequence(der.objectId(OID.ecdsaWithSha256))
  const subject = nameOf(names[0])
  const toBeSigned = der.sequence(
    der.explicit(0, der.integer(VERSION_3)),
    der.integer(randomBytes(SERIAL_BYTES)),
    algorithm,
    subject,
    der.sequence(der.time(notBefore), der.time(notAfter)),
    subject,
    publicKey,
    der.explicit(3, extensions(names)),
  )
  const signature = sign('sha256', toBeSigned, privateKey)
  return pem(der.sequence(toBeSigned, algorithm, der.bitString(signature)))
}

function nameOf(name: string): Buffer {
  const commonName = der.utf8String(name.slice(0, MAX_COMMON_NAME))
  return der.sequence(der.set(der.sequence(der.objectId(OID.commonName), commonName)))
}

function extensions(names: readonly string[]): Buffer {
  const critical = (oid: string, value: Buffer) => der.sequence(der.objectId(oid), der.yes(), der.octetString(value))
  const plain = (oid: string, value: Buffer) => der.sequence(der.objectId(oid), der.octetString(value))
  return der.sequence(
    // An empty value: no certificate authority.
    critical(OID.basicConstraints, der.sequence()),
    critical(OID.keyUsage, der.bitString(DIGITAL_SIGNATURE, DIGITAL_SIGNATURE_UNUSED_BITS)),
    plain(OID.extendedKeyUsage, der.sequence(der.objectId(OID.serverAuth))),
    plain(OID.subjectAltName, der.sequence(...names.map(generalName))),
  )
}

function generalName(name: string): Buffer {
  return isIP(name)
    ? der.implicit(IP_ADDRESS, Buffer.from(ipaddr.parse(name).toByteArray()))
    : der.implicit(DNS_NAME, Buffer.from(name, 'ascii'))
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
