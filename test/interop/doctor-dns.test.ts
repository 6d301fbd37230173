import { expect, test } from 'vitest'
import { checkDns } from '../../src/cli/doctor/check-dns.ts'
import type { ResolvedConfig } from '../../src/config/resolved-config.ts'
import { startDnsServer } from '../support/dns-server.ts'
import { freePort } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'

describeWith(['knotd', 'dig'], 'doctor asks the DNS', () => {
  test('whether every server answers, and knows the hostname', async () => {
    await using server = await startDnsServer({ 'example.test': ['mx A 192.0.2.1'] })
    const ask = async (servers: readonly string[], hostname: string) => {
      const findings = await checkDns({ dns: { servers, timeoutMs: 300 }, hostname } as unknown as ResolvedConfig)
      return findings.map(({ state, check }) => `${check}: ${state}`)
    }
    expect(await ask([server.address], 'mx.example.test')).toEqual(['DNS: good'])
    expect(await ask([server.address], 'nowhere.example.test')).toEqual(['DNS: good', 'hostname: warning'])
    expect(await ask([server.address], 'refused.test')).toEqual(['DNS: failed'])
    const silent = `127.0.0.1:${await freePort()}`
    expect(await ask([server.address, silent], 'mx.example.test')).toEqual(['DNS: good', 'DNS: failed'])
  })
})
