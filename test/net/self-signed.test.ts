import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { UserError } from '../../src/errors/user-error.ts'
import { isMadeFor, selfSignedPair } from '../../src/net/self-signed.ts'
import { selfSignedCertificate } from '../../src/net/x509.ts'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { certificateFor } from './certificate.ts'

const HOSTNAME = 'mx.example.test'

describe('the self-signed certificate', () => {
  test('is for the hostname and this machine, for ten years', async () => {
    using dir = scratch('cert')
    const { cert } = await selfSignedPair(dir.path, HOSTNAME)
    const x509 = new X509Certificate(cert)
    expect(x509.subjectAltName).toBe(
      'DNS:mx.example.test, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    )
    expect(x509.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    expect(x509.verify(x509.publicKey)).toBe(true)
    expect(x509.ca).toBe(false)
    expect(x509.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
    const years = (x509.validToDate.getTime() - x509.validFromDate.getTime()) / 31_557_600_000
    expect(years).toBeCloseTo(10, 1)
    expect(isMadeFor(cert, HOSTNAME)).toBe(true)
    expect(isMadeFor(cert, '127.0.0.1')).toBe(true)
    expect(isMadeFor(cert, 'other.example.test')).toBe(false)
  })

  test('is one pair, however many start at once, and stays', async () => {
    using dir = scratch('cert')
    const pairs = await Promise.all(Array.from({ length: 20 }, () => selfSignedPair(dir.path, HOSTNAME)))
    const { cert, key } = await selfSignedPair(dir.path, HOSTNAME)
    for (const pair of pairs) expect(pair).toMatchObject({ cert, key })
    expect(readdirSync(join(dir.path, 'tls')).sort()).toEqual(['cert.pem', 'key.pem'])
    expect(new X509Certificate(cert).checkPrivateKey(await keyOf(key))).toBe(true)
  })

  test('is completed after a crash between its two files', async () => {
    using dir = scratch('cert')
    const { key } = await selfSignedPair(dir.path, HOSTNAME)
    rmSync(join(dir.path, 'tls', 'cert.pem'))
    const again = await selfSignedPair(dir.path, HOSTNAME)
    expect(again.key).toBe(key)
    expect(new X509Certificate(again.cert).checkPrivateKey(await keyOf(key))).toBe(true)
  })

  test('that cannot be kept says where', async () => {
    using dir = scratch('cert')
    writeFileSync(join(dir.path, 'tls'), 'a file in the way')
    await expect(selfSignedPair(dir.path, HOSTNAME)).rejects.toThrow(UserError)
    await expect(selfSignedPair(dir.path, HOSTNAME)).rejects.toThrow(`${dir.path}/tls`)
    expect(readFileSync(join(dir.path, 'tls'), 'utf8')).toBe('a file in the way')
  })

  test('may end after 2049 (RFC 5280 section 4.1.2.5)', async () => {
    const notAfter = new Date('2051-02-03T04:05:06Z')
    const { key } = certificateFor(HOSTNAME)
    const cert = selfSignedCertificate({ key, names: [HOSTNAME], notBefore: new Date(0), notAfter })
    expect(new X509Certificate(cert).validToDate).toEqual(notAfter)
  })
})

describeWith(['openssl'], 'openssl', () => {
  test('accepts the certificate', async () => {
    using dir = scratch('cert')
    const { certFile } = await selfSignedPair(dir.path, HOSTNAME)
    const verified = await run('openssl', ['verify', '-x509_strict', '-CAfile', certFile, certFile])
    expect(verified).toMatchObject({ code: 0, stdout: `${certFile}: OK\n` })
  })
})

async function keyOf(pem: string) {
  const { createPrivateKey } = await import('node:crypto')
  return createPrivateKey(pem)
}
