import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import type { Address } from '../mail/address.ts'
import type { Secret } from './secret.ts'

/** A configuration after checks and defaults: every unit is converted, every path absolute, everything frozen. */
export interface ResolvedConfig {
  /** Absolute path of the file it was read from. */
  readonly file: string
  /** Directory of the file: relative paths in plugin options, and secrets, are relative to it. */
  readonly configDir: string
  /** In A-labels, lower case. */
  readonly hostname: string
  /** Absolute. */
  readonly dataDir: string
  readonly domains: readonly ResolvedDomain[]
  /** Empty: a self-signed certificate in the data directory. */
  readonly tls: readonly ResolvedCertificate[]
  /** Path or secret of the authorities for clients' certificates. */
  readonly clientCa: string | Secret | undefined
  readonly dns: {
    /** `address` or `address:port` (`[address]:port` for IPv6); empty: the system's. */
    readonly servers: readonly string[]
    readonly timeoutMs: number
  }
  /** At least 1. */
  readonly workers: number
  readonly limits: {
    readonly messageBytes: number
    readonly recipients: number
    readonly drainMs: number
    readonly reloadMs: number
    readonly journeyMs: number
  }
  /** The `RetrySchedule` of the queue. */
  readonly queue: {
    readonly delaysMs: readonly number[]
    readonly jitter: number
    readonly lifetimeMs: number
    readonly warnAfterMs: number
  }
  /** Flat, in the order of the config. Their options are as the config gave them; they have been checked. */
  readonly plugins: readonly ConfiguredPlugin[]
  readonly accounts: readonly ResolvedAccount[]
  readonly aliases: readonly { readonly address: Address; readonly targets: readonly Address[] }[]
  /** Service id to the plugin that shall provide it. */
  readonly prefer: Readonly<Record<string, string>>
  /** Plugin name to what a fault of it in a check means. */
  readonly onError: Readonly<Record<string, 'defer' | 'continue'>>
  readonly log: { readonly level: LogLevel }
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

export interface ResolvedDomain {
  /** As `normalizeDomain` returns it. */
  readonly name: string
  readonly catchAll?: Address
  /** Empty for none. */
  readonly subaddressDelimiter: string
}

export interface ResolvedCertificate {
  /** Absolute path of a PEM file, or a secret with its content. */
  readonly cert: string | Secret
  readonly key: string | Secret
  /** Server names it is for; empty: the certificate's own. */
  readonly names: readonly string[]
}

export interface ResolvedAccount {
  readonly address: Address
  readonly name?: string
  /** An argon2id hash, or the password in clear as a secret; absent: one is made at the first start. */
  readonly password?: string | Secret
  /** Octets; absent: no limit. */
  readonly quotaBytes?: number
  /** Further addresses of the account. */
  readonly aliases: readonly Address[]
}
