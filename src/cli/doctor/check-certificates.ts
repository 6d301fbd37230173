import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { isSecret, type Secret } from '../../config/secret.ts'
import { type Finding, failed, good, warning } from './finding.ts'

const DAY_MS = 86_400_000
const SOON_DAYS = 21

/** Each certificate is valid, has its key, and lasts for a while. */
export function checkCertificates(config: ResolvedConfig, now = Date.now()): readonly Finding[] {
  const { tls, configDir, hostname } = config
  if (tls.length === 0) {
    const text = 'there is none: a self-signed one is used, which other programs do not trust'
    return [warning('certificate', text, 'Set tls to the files of a certificate')]
  }
  const text = (part: string | Secret) => (isSecret(part) ? part.reveal(configDir) : readFileSync(part, 'utf8'))
  const loaded = tls.map(({ cert, key }) => ({
    x509: new X509Certificate(text(cert)),
    key: createPrivateKey(text(key)),
  }))
  const findings = loaded.map(({ x509, key }) => {
    const names = (x509.subjectAltName ?? x509.subject).replaceAll('DNS:', '')
    if (!x509.checkPrivateKey(key)) return failed('certificate', `${names}: the key is another's`, 'Set tls.key')
    return lasting(names, x509, now)
  })
  if (!loaded.some(({ x509 }) => x509.checkHost(hostname) !== undefined)) {
    const hint = 'Have one made for it, or set hostname to a name of the certificate'
    findings.push(warning('certificate', `none is for ${hostname}`, hint))
  }
  return findings
}

function lasting(names: string, { validFromDate, validToDate }: X509Certificate, now: number): Finding {
  const day = (date: Date) => date.toISOString().slice(0, 10)
  if (validFromDate.getTime() > now) {
    return failed('certificate', `${names}: valid from ${day(validFromDate)} on`, 'Set the clock, or use another')
  }
  const days = Math.floor((validToDate.getTime() - now) / DAY_MS)
  if (days < 0) return failed('certificate', `${names}: expired on ${day(validToDate)}`, 'Renew it')
  const text = `${names}: valid for ${days} days, until ${day(validToDate)}`
  return days < SOON_DAYS ? warning('certificate', text, 'Renew it') : good('certificate', text)
}
