import { generateKeyPairSync } from 'node:crypto'
import { selfSignedCertificate } from '../../src/net/x509.ts'

/** A certificate for these names and its key, in PEM. */
export function certificateFor(...names: [string, ...string[]]): { cert: string; key: string } {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  const notBefore = new Date(Date.now() - 60_000)
  return { key, cert: selfSignedCertificate({ key, names, notBefore, notAfter: new Date(Date.now() + 3_600_000) }) }
}
