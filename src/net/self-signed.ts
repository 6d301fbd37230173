import { generateKeyPairSync, randomBytes, X509Certificate } from 'node:crypto'
import { chmod, link, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { UserError } from '../errors/user-error.ts'
import { selfSignedCertificate } from './x509.ts'

const LIFETIME_YEARS = 10
const PRIVATE_DIRECTORY = 0o700
const PRIVATE_FILE = 0o600

export interface KeyPair {
  readonly cert: string
  readonly key: string
}

/**
 * The self-signed certificate of a data directory, made when there is none. The key is put in place first and is never
 * replaced, the certificate is made from the key that is there: workers that start at once, or after a crash in
 * between, end up with one pair that matches.
 * @throws UserError when the directory cannot be read or written
 */
export async function selfSignedPair(dataDir: string, hostname: string): Promise<KeyPair & { certFile: string }> {
  const directory = join(dataDir, 'tls')
  const certFile = join(directory, 'cert.pem')
  const keyFile = join(directory, 'key.pem')
  try {
    await mkdir(directory, { recursive: true, mode: PRIVATE_DIRECTORY })
    const key = await readOrMake(keyFile, newKey)
    const cert = await readOrMake(certFile, () => newCertificate(key, hostname))
    return { cert, key, certFile }
  } catch (cause) {
    throw new UserError(`No self-signed certificate in ${directory}: ${(cause as Error).message}`, {
      cause,
      nextSteps: [`Make ${directory} readable and writable for this user, or name a certificate in tls: { cert, key }`],
    })
  }
}

/** Is the certificate for this name or address? */
export function isMadeFor(cert: string, hostname: string): boolean {
  const certificate = new X509Certificate(cert)
  return (isIP(hostname) ? certificate.checkIP(hostname) : certificate.checkHost(hostname)) !== undefined
}

async function readOrMake(file: string, make: () => string): Promise<string> {
  const there = await readIfThere(file)
  if (there !== undefined) return there
  const draft = `${file}.${process.pid}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, make(), { mode: PRIVATE_FILE, flag: 'wx' })
    await chmod(draft, PRIVATE_FILE)
    // A link, unlike a rename, does not replace what another worker put there a moment ago.
    await link(draft, file)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(file, 'utf8')
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
}

function newCertificate(key: string, hostname: string): string {
  const notBefore = new Date()
  const notAfter = new Date(notBefore)
  notAfter.setFullYear(notAfter.getFullYear() + LIFETIME_YEARS)
  const others = ['localhost', '127.0.0.1', '::1'].filter((name) => name !== hostname)
  return selfSignedCertificate({ key, names: [hostname, ...others], notBefore, notAfter })
}
