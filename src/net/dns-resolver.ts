import { Resolver } from 'node:dns/promises'
import { ConfigError } from '../errors/config-error.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Dns } from './listeners.ts'

/** A question that got no answer is asked once more; the second wait is twice the first. */
const TRIES = 2
const PARTS_OF_FIRST_TRY = 3

export interface DnsOptions {
  /** `address` or `address:port`; the system's servers when absent. */
  readonly servers?: readonly string[] | undefined
  /** How long one look-up may take, all tries and servers together. */
  readonly timeoutMs: number
}

/** DNS by the configured servers. @throws ConfigError when a server is no address */
export function dnsResolver(options: DnsOptions, clock: Clock): Dns {
  const timeout = Math.max(1, Math.ceil(options.timeoutMs / PARTS_OF_FIRST_TRY))
  const resolver = new Resolver({ timeout, tries: TRIES })
  if (options.servers !== undefined && options.servers.length > 0) setServers(resolver, options.servers)
  const ask = <T>(name: string, question: Promise<T>) => inTime(question, name, options.timeoutMs, clock)
  return {
    resolveMx: (name) => ask(name, resolver.resolveMx(name)),
    resolve4: (name) => ask(name, resolver.resolve4(name)),
    resolve6: (name) => ask(name, resolver.resolve6(name)),
    resolveTxt: (name) => ask(name, resolver.resolveTxt(name)),
    reverse: async (address) => ask(address, resolver.reverse(address)),
  }
}

function setServers(resolver: Resolver, servers: readonly string[]): void {
  try {
    resolver.setServers([...servers])
  } catch (cause) {
    const message = `expected addresses such as '127.0.0.1' or '[::1]:5353', got ${JSON.stringify(servers)}`
    throw new ConfigError([{ path: 'dns.servers', message }], { cause })
  }
}

/** The resolver keeps its own time for each try and server; this is the end of all of them together. */
function inTime<T>(question: Promise<T>, name: string, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () =>
      reject(Object.assign(new Error(`no answer about ${name} within ${timeoutMs} ms`), { code: 'ETIMEOUT' })),
    )
    question.then(
      (answer) => {
        cancel()
        resolve(answer)
      },
      (cause: unknown) => {
        cancel()
        reject(cause)
      },
    )
  })
}
