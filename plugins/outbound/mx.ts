import { lookup } from 'node:dns/promises'
import { isIP, isIPv6 } from 'node:net'
import type { Dns } from 'mailserver'
import type { OwnAddresses } from './own-addresses.ts'
import { deferred, failed, type Verdict } from './reply.ts'

/** A server for a domain, with its addresses in the order they are tried. */
export interface MailHost {
  /** As the MX record names it: what TLS asks for and certificates are checked against. */
  readonly name: string
  readonly addresses: readonly string[]
}

export interface MxParts {
  readonly dns: Dns
  /** Names we go by, lower case. */
  readonly ownNames: ReadonlySet<string>
  readonly ownAddresses: OwnAddresses
  /** IPv6 first; false where the machine has none. */
  readonly preferIpv6: boolean
  /** 0 to 1. */
  readonly random: () => number
}

export type Hosts = { readonly hosts: readonly MailHost[] } | { readonly verdict: Verdict }

/** Hosts of one domain that are looked at: more is a mistake, or an attempt to keep us busy. */
const MAX_HOSTS = 10

/** Codes of node:dns for answers, as opposed to faults: there is no such name, or nothing of the type. */
const NO_NAME = 'ENOTFOUND'
const NO_DATA = 'ENODATA'

type Answer<T> = { readonly records: readonly T[] } | { readonly missing: 'name' | 'data' } | { readonly fault: string }

/**
 * Where mail for a domain goes (RFC 5321 section 5.1): its MX by preference, equals shuffled; its own address when it
 * has none; those at and behind ourselves cut off. A fault of the DNS is never taken for an answer.
 */
export async function hostsFor(domain: string, parts: MxParts): Promise<Hosts> {
  const literal = readLiteral(domain)
  if (literal !== undefined) {
    if (parts.ownAddresses.has(literal)) return { verdict: failed('5.4.6', `${domain} is an address of our own`) }
    return { hosts: [{ name: domain, addresses: [literal] }] }
  }
  const answer = await ask(parts.dns.resolveMx(domain))
  if ('fault' in answer) return { verdict: deferred('4.4.3', `MX of ${domain}: ${answer.fault}`) }
  if ('missing' in answer) {
    if (answer.missing === 'name') return { verdict: failed('5.1.2', `There is no domain ${domain}`) }
    return usable([{ exchange: domain, priority: 0 }], domain, parts)
  }
  const named = answer.records.filter(({ exchange }) => exchange !== '' && exchange !== '.')
  if (named.length === 0 && answer.records.length > 0) {
    return { verdict: failed('5.1.10', `${domain} takes no mail (null MX, RFC 7505)`) }
  }
  if (named.length === 0) return usable([{ exchange: domain, priority: 0 }], domain, parts)
  return usable(inOrder(named, parts.random).slice(0, MAX_HOSTS), domain, parts)
}

/** Addresses of a host that was named in a route or as the smarthost: no MX, and the system may know it as well. */
export async function addressesOf(host: string, parts: MxParts): Promise<Hosts> {
  if (isIP(host) !== 0) return { hosts: [{ name: host, addresses: [host] }] }
  const found = await addresses(host, parts)
  if ('records' in found) return { hosts: [{ name: host, addresses: found.records }] }
  if ('fault' in found) return { verdict: deferred('4.4.3', `address of ${host}: ${found.fault}`) }
  try {
    const known = await lookup(host, { all: true })
    return { hosts: [{ name: host, addresses: known.map(({ address }) => address) }] }
  } catch {
    // An operator wrote this name: it is put right sooner than every message sent back.
    return { verdict: deferred('4.4.4', `${host} has no address`) }
  }
}

interface Mx {
  readonly exchange: string
  readonly priority: number
}

async function usable(records: readonly Mx[], domain: string, parts: MxParts): Promise<Hosts> {
  const answers = await Promise.all(records.map(({ exchange }) => addresses(exchange, parts)))
  let cut = Number.POSITIVE_INFINITY
  for (const [at, { exchange, priority }] of records.entries()) {
    const answer = answers[at]
    const isOurs =
      parts.ownNames.has(exchange.toLowerCase().replace(/\.$/, '')) ||
      (answer !== undefined && 'records' in answer && answer.records.some((address) => parts.ownAddresses.has(address)))
    if (isOurs) cut = Math.min(cut, priority)
  }
  const kept = records
    .map((record, at) => ({ record, answer: answers[at] }))
    .filter(({ record }) => record.priority < cut)
  if (kept.length === 0) {
    return { verdict: failed('5.4.6', `Mail for ${domain} loops back to us: we are its best MX and do not know it`) }
  }
  const hosts = kept.flatMap(({ record, answer }) =>
    answer !== undefined && 'records' in answer ? [{ name: record.exchange, addresses: answer.records }] : [],
  )
  if (hosts.length > 0) return { hosts }
  const fault = kept.map(({ answer }) => answer).find((answer) => answer !== undefined && 'fault' in answer)
  if (fault !== undefined && 'fault' in fault) {
    return { verdict: deferred('4.4.3', `No server of ${domain} could be looked up: ${fault.fault}`) }
  }
  return { verdict: failed('5.4.4', `No server of ${domain} has an address`) }
}

/** By preference; equals in random order, so that the load is spread. */
function inOrder(records: readonly Mx[], random: () => number): Mx[] {
  return records
    .map((record) => ({ record, at: random() }))
    .sort((a, b) => a.record.priority - b.record.priority || a.at - b.at)
    .map(({ record }) => record)
}

async function addresses(host: string, { dns, preferIpv6 }: MxParts): Promise<Answer<string>> {
  if (isIP(host) !== 0) return { records: [host] }
  const [v4, v6] = await Promise.all([ask(dns.resolve4(host)), ask(dns.resolve6(host))])
  const lists = preferIpv6 ? [v6, v4] : [v4, v6]
  const records = lists.flatMap((answer) => ('records' in answer ? answer.records : []))
  if (records.length > 0) return { records }
  if ('fault' in v4) return v4
  if ('fault' in v6) return v6
  return { missing: 'name' }
}

async function ask<T>(question: Promise<readonly T[]>): Promise<Answer<T>> {
  try {
    const records = await question
    return records.length === 0 ? { missing: 'data' } : { records }
  } catch (cause) {
    const { code, message } = cause as Error & { code?: string }
    if (code === NO_NAME) return { missing: 'name' }
    if (code === NO_DATA) return { missing: 'data' }
    return { fault: code ?? message }
  }
}

/** The address in `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 section 4.1.3). */
function readLiteral(domain: string): string | undefined {
  if (!domain.startsWith('[') || !domain.endsWith(']')) return undefined
  const inner = domain.slice(1, -1)
  const address = inner.toLowerCase().startsWith('ipv6:') ? inner.slice(5) : inner
  if (isIP(address) === 0 || (isIPv6(address) && address === inner)) return undefined
  return address
}
