import { generateKeyPairSync } from 'node:crypto'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { level } from '../../plugins/level/index.ts'
import { checkCertificates } from '../../src/cli/doctor/check-certificates.ts'
import { checkDisk, checkModes } from '../../src/cli/doctor/check-disk.ts'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import { selfSignedCertificate } from '../../src/net/x509.ts'
import { scratch } from '../support/peer.ts'

const DAY_MS = 86_400_000
const NOW = Date.UTC(2026, 5, 1)
const newKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string

function certificates(directory: string, from: number, to: number, options: { name?: string; key?: string } = {}) {
  const key = newKey()
  const [notBefore, notAfter] = [new Date(NOW + from * DAY_MS), new Date(NOW + to * DAY_MS)]
  const [cert, keyFile] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  writeFileSync(cert, selfSignedCertificate({ key, names: [options.name ?? 'mx.example.test'], notBefore, notAfter }))
  writeFileSync(keyFile, options.key ?? key)
  const config = { tls: [{ cert, key: keyFile, names: [] }], configDir: directory, hostname: 'mx.example.test' }
  return checkCertificates(config as unknown as ResolvedConfig, NOW)
}

const states = (findings: readonly { readonly state: string }[]) => findings.map(({ state }) => state)

describe('doctor looks at', () => {
  test('how long certificates last, whose key it is and which names they have', () => {
    using directory = scratch('doctor')
    const at = directory.path
    expect(states(certificates(at, -1, 90))).toEqual(['good'])
    expect(certificates(at, -1, 90)[0]?.text).toContain('valid for 90 days, until 2026-08-30')
    expect(states(certificates(at, -1, 20))).toEqual(['warning'])
    expect(states(certificates(at, -9, -1))).toEqual(['failed'])
    expect(states(certificates(at, 1, 90))).toEqual(['failed'])
    expect(states(certificates(at, -1, 90, { key: newKey() }))).toEqual(['failed'])
    expect(states(certificates(at, -1, 90, { name: 'another.test' }))).toEqual(['good', 'warning'])
    const none = { tls: [], hostname: 'mx.example.test' } as unknown as ResolvedConfig
    expect(states(checkCertificates(none))).toEqual(['warning'])
  })

  test('who may read what is in the data directory, and how much room there is', () => {
    using directory = scratch('doctor')
    const [file, dataDir] = [join(directory.path, 'mailserver.config.ts'), join(directory.path, 'data')]
    writeFileSync(file, '')
    const config = {
      file,
      dataDir,
      plugins: [level()],
      prefer: {},
      configDir: directory.path,
    } as unknown as ResolvedConfig
    expect(states(checkModes(config))).toEqual(['good'])
    mkdirSync(dataDir, { mode: 0o700 })
    writeFileSync(join(dataDir, 'generated-passwords.json'), '{}', { mode: 0o600 })
    expect(states(checkModes(config))).toEqual(['good'])
    chmodSync(join(dataDir, 'generated-passwords.json'), 0o644)
    chmodSync(dataDir, 0o750)
    chmodSync(file, 0o666)
    expect(checkModes(config).map(({ state, hint }) => `${state} ${hint}`)).toEqual([
      `failed chmod o-w ${file}`,
      `warning chmod go= ${dataDir}`,
      `warning chmod go= ${join(dataDir, 'generated-passwords.json')}`,
    ])
    const [disk] = checkDisk(config)
    expect(disk?.text).toMatch(/free of/)
  })
})
