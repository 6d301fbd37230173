import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import type { Secret } from './secret.ts'

/** Plugins may be left out by condition and grouped: `inProduction && greylist()`, `[imap(), pop3()]`. */
export type PluginEntry = ConfiguredPlugin | false | '' | null | undefined | readonly PluginEntry[]

export interface DomainConfig {
  readonly name: string
  /** Address that gets mail to unknown local parts. Without it they are refused. */
  readonly catchAll?: string
  /** Separator of subaddresses, `+` by default; `''` for none. */
  readonly subaddressDelimiter?: string
}

export interface AccountConfig {
  readonly address: string
  readonly name?: string
  /** An argon2id hash (`$argon2id$…`), or the password in clear as a secret. Left out: one is made at the first start. */
  readonly password?: string | Secret
  /** Octets, or text such as `'2GB'`. */
  readonly quota?: number | string
  readonly aliases?: readonly string[]
}

export interface CertificateConfig {
  /** Path of a PEM file, or a secret with its content. */
  readonly cert: string | Secret
  readonly key: string | Secret
  /** Server names (SNI) it is for; the certificate's own names when left out. */
  readonly names?: readonly string[]
}

/** The configuration of a server. Relative paths are relative to the config file. */
export interface MailserverConfig {
  /** The name this server goes by: greeting, HELO, Received, Message-ID. */
  readonly hostname: string
  /** Domains whose mail is ours. */
  readonly domains: readonly (string | DomainConfig)[]
  /** @default './data' */
  readonly dataDir?: string
  /** Left out: a self-signed certificate is made in the data directory. */
  readonly tls?: CertificateConfig | readonly CertificateConfig[]
  /**
   * Who vouches for clients that log in with a certificate (SASL EXTERNAL) instead of a password: a PEM file or secret with
   * the certificates of those authorities. The mail address in a client's certificate is its account.
   */
  readonly clientCertificates?: { readonly ca: string | Secret }
  readonly dns?: {
    /** `address` or `address:port`; the system's servers when left out. */
    readonly servers?: readonly string[]
    readonly timeout?: number | string
  }
  /** Worker threads; `'auto'` is one for each core. @default 1 */
  readonly workers?: number | 'auto'
  readonly limits?: {
    /** Largest message, octets or text. @default '50MB' */
    readonly messageSize?: number | string
    /** Recipients of one message. @default 1000 */
    readonly recipients?: number
    /** How long a drain may take before sessions are cut. @default '30s' */
    readonly drain?: number | string
    /** How long sessions may go on in the old workers after a reload. @default '1h' */
    readonly reload?: number | string
    /** How long journeys are kept. @default '30d' */
    readonly journey?: number | string
  }
  /** When mail to other servers is tried again, and for how long. */
  readonly queue?: {
    /** Waits after the 1st, 2nd, … failed attempt; the last repeats. @default ['5m', '10m', '20m', '40m', '1h', '2h', '4h'] */
    readonly retry?: readonly (number | string)[]
    /** Part of each wait by which it is spread, 0 to 1. @default 0.1 */
    readonly jitter?: number
    /** After this a message goes back to its sender. @default '5d' */
    readonly lifetime?: number | string
    /** After this its sender is told, once, that it is late. @default '4h' */
    readonly warnAfter?: number | string
  }
  readonly plugins: readonly PluginEntry[]
  readonly accounts?: readonly (string | AccountConfig)[]
  /** Alias address to the addresses it stands for. */
  readonly aliases?: Readonly<Record<string, string | readonly string[]>>
  /** Service id to plugin name, where two plugins provide the same. */
  readonly provide?: Readonly<Record<string, string>>
  /** Plugin name to what a fault of it in a check means: `defer` (default) or `continue`. */
  readonly onError?: Readonly<Record<string, 'defer' | 'continue'>>
  readonly log?: { readonly level?: 'trace' | 'debug' | 'info' | 'warn' | 'error' }
}

type Env = Readonly<Record<string, string | undefined>>

/** Gives a config its types and returns it as it is: an object, or a function of the environment. */
export function defineConfig(config: MailserverConfig): MailserverConfig
export function defineConfig(
  config: (env: Env) => MailserverConfig | Promise<MailserverConfig>,
): (env: Env) => MailserverConfig | Promise<MailserverConfig>
export function defineConfig(config: unknown): unknown {
  return config
}
