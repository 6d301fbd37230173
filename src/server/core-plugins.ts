import { readFileSync } from 'node:fs'
import type { ResolvedCertificate, ResolvedConfig } from '../config/resolved-config.ts'
import { Secret } from '../config/secret.ts'
import { directoryPlugin } from '../directory/plugin.ts'
import { UserError } from '../errors/user-error.ts'
import { intakePlugin } from '../intake/plugin.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import { netPlugin } from '../net/plugin.ts'
import { queuePlugin } from '../queue/plugin.ts'
import { storePlugin } from '../store/plugin.ts'

/**
 * The rooms of the core that provide services, as plugins like any other: the kernel sorts, starts and stops them
 * together with those of the config. Reads the secrets and certificate files that they need.
 * @throws UserError that names the secret or file that cannot be read
 */
export function corePlugins(config: ResolvedConfig): ConfiguredPlugin[] {
  const { domains, accounts, aliases, clientCa, dns, limits, configDir } = config
  const reveal = (value: string | Secret) => (value instanceof Secret ? value.reveal(configDir) : value)
  return [
    netPlugin({
      tls: config.tls.map((certificate) => readCertificate(certificate, configDir)),
      clientCa: clientCa === undefined ? undefined : readPem(clientCa, configDir),
      dnsServers: [...dns.servers],
      dnsTimeoutMs: dns.timeoutMs,
      // Also with one worker: at a reload the new one listens before the old one has gone.
      reusePort: true,
    }),
    storePlugin({ journeyMs: limits.journeyMs }),
    directoryPlugin({
      domains: [...domains],
      accounts: accounts.map(({ address, name, password, quotaBytes }) => ({
        address,
        name,
        password: password === undefined ? undefined : reveal(password),
        maxBytes: quotaBytes,
      })),
      aliases: [
        ...aliases,
        ...accounts.flatMap((account) => account.aliases.map((address) => ({ address, targets: [account.address] }))),
      ],
    }),
    queuePlugin({ ...config.queue, delaysMs: [...config.queue.delaysMs] }),
    intakePlugin(),
  ]
}

function readCertificate({ cert, key, names }: ResolvedCertificate, configDir: string) {
  return { cert: readPem(cert, configDir), key: readPem(key, configDir), names: [...names] }
}

/** A path is read as a file; a secret is the PEM text itself. */
function readPem(value: string | Secret, configDir: string): string {
  if (value instanceof Secret) return value.reveal(configDir)
  try {
    return readFileSync(value, 'utf8')
  } catch (cause) {
    throw new UserError(`The certificate file ${value} cannot be read: ${(cause as Error).message}`, { cause })
  }
}
