import { join } from 'node:path'
import { run } from '../../support/peer.ts'

export interface CertificateFiles {
  readonly certFile: string
  readonly keyFile: string
}

/** A self-signed certificate of the kind that ours makes, in `cert.pem` and `key.pem`. */
export async function certificate(directory: string): Promise<CertificateFiles> {
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  const { code, stderr } = await run('openssl', [
    ...['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'],
    ...['-days', '2', '-subj', '/CN=localhost', '-keyout', keyFile, '-out', certFile],
  ])
  if (code !== 0) throw new Error(`openssl made no certificate: ${stderr}`)
  return { certFile, keyFile }
}
