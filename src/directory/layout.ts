import type { Key, Range } from '../store/engine.ts'
import { key, prefixRange } from '../store/key.ts'
import type { ScramVerifier } from './scram-verifier.ts'

/**
 * Keys of the directory in the Engine. Addresses are in the form of `addressKey`, domains as `normalizeDomain` has them.
 *
 *   dir account <address>   AccountRecord
 *   dir id <account id>     the address
 *   dir alias <address>     AliasRecord
 *   dir domain <name>       DomainRecord
 *   dir secret              32 random octets of this server
 */
export const layout = {
  account: (address: string): Key => key('dir', 'account', address),
  accounts: (): Range => prefixRange('dir', 'account'),
  id: (id: string): Key => key('dir', 'id', id),
  alias: (address: string): Key => key('dir', 'alias', address),
  aliases: (): Range => prefixRange('dir', 'alias'),
  domain: (name: string): Key => key('dir', 'domain', name),
  secret: (): Key => key('dir', 'secret'),
  domains: (): Range => prefixRange('dir', 'domain'),
} as const

/** Every change of the directory happens in this scope, and is told on this topic. */
export const DIRECTORY = 'directory'

/** An account as it is stored. One that stands in the config has a record too: for its id, and a password set here. */
export interface AccountRecord {
  readonly id: string
  /** As it was written when the account was made. */
  readonly address: string
  readonly name?: string
  /** argon2id, in PHC text; absent while the config gives the password. */
  readonly hash?: string
  /** Of the same password, for SCRAM. */
  readonly scram?: ScramVerifier
  readonly disabled?: boolean
  readonly maxBytes?: number
  readonly maxMessages?: number
  readonly createdAt: number
  /** Made for an account of the config: without that it does not exist, and its mail waits for its return. */
  readonly isFromConfig?: boolean
}

export interface AliasRecord {
  readonly address: string
  readonly targets: readonly string[]
}

export interface DomainRecord {
  readonly name: string
  readonly catchAll?: string
  readonly subaddressDelimiter: string
}

export const encode = (record: AccountRecord | AliasRecord | DomainRecord): Buffer =>
  Buffer.from(JSON.stringify(record))

export const decode = <T>(bytes: Buffer): T => JSON.parse(bytes.toString('utf8')) as T
