import { getServers, Resolver } from 'node:dns/promises'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { type Finding, failed, good, warning } from './finding.ts'

/** What a server that works says of a name that is not there. */
const ANSWERS = new Set(['ENOTFOUND', 'ENODATA'])
const TIMEOUT_MS = 5_000

/** Every DNS server answers, and knows the name that this server goes by. */
export async function checkDns({ dns, hostname }: ResolvedConfig): Promise<readonly Finding[]> {
  const servers = dns.servers.length > 0 ? dns.servers : getServers()
  if (servers.length === 0) return [failed('DNS', 'there is no DNS server', 'Set dns.servers, or /etc/resolv.conf')]
  const answers = await Promise.all(servers.map((server) => ask(server, hostname, Math.min(dns.timeoutMs, TIMEOUT_MS))))
  const findings = answers.map(({ finding }) => finding)
  if (answers.some(({ isKnown }) => isKnown === false)) {
    const hint = 'Publish an A or AAAA record for it, and a PTR record that leads back'
    findings.push(warning('hostname', `${hostname} has no address in the DNS`, hint))
  }
  return findings
}

async function ask(
  server: string,
  hostname: string,
  timeout: number,
): Promise<{ finding: Finding; isKnown?: boolean }> {
  try {
    const resolver = new Resolver({ timeout, tries: 2 })
    resolver.setServers([server])
    const found = await Promise.all([known(resolver.resolve4(hostname)), known(resolver.resolve6(hostname))])
    return { finding: good('DNS', `${server} answers`), isKnown: found.includes(true) }
  } catch (error) {
    const text = `${server} gives no answer: ${(error as NodeJS.ErrnoException).code ?? (error as Error).message}`
    return { finding: failed('DNS', text, 'Start it, or name another in dns.servers') }
  }
}

async function known(answer: Promise<readonly string[]>): Promise<boolean> {
  try {
    return (await answer).length > 0
  } catch (error) {
    if (ANSWERS.has((error as NodeJS.ErrnoException).code ?? '')) return false
    throw error
  }
}
