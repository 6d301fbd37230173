import { MailError } from '../errors/mail-error.ts'
import { type Address, addressKey, parseAddress } from '../mail/address.ts'
import type { Engine, Range } from '../store/engine.ts'
import type { AccountId } from '../store/mail-store.ts'
import type { Account, Alias, Domain } from './directory.ts'
import type { DirectoryOptions } from './directory-options.ts'
import { type AccountRecord, type AliasRecord, DIRECTORY, type DomainRecord, decode, layout } from './layout.ts'
import type { ScramVerifier } from './scram-verifier.ts'

/** Look-ups that are remembered; a change of the directory forgets them all. */
const MAX_CACHED = 50_000

type ConfiguredAccount = DirectoryOptions['accounts'][number]

/** An account with what proves it. The proof stays inside this room. */
export interface KnownAccount {
  readonly account: Account
  /** argon2id of a password that was set with a command; it wins over the config's. */
  readonly hash: string | undefined
  /** Of the same password as `hash`; absent when SCRAM cannot carry it. */
  readonly scram: ScramVerifier | undefined
  /** What the config says: an argon2id hash, or a password in clear. */
  readonly configured: string | undefined
}

/**
 * Reads domains, accounts and aliases: the config's laid over the store's. A config entry hides a stored one of the same
 * address or name. Look-ups by address are remembered until something changes, in any worker.
 */
export class DirectoryData {
  readonly #engine: Engine
  readonly #accounts: ReadonlyMap<string, ConfiguredAccount>
  readonly #aliases: ReadonlyMap<string, Alias>
  readonly #domains: ReadonlyMap<string, Domain>
  readonly #cache = new Map<string, unknown>()
  #generation = 0

  constructor(engine: Engine, options: DirectoryOptions) {
    this.#engine = engine
    this.#accounts = new Map(options.accounts.map((account) => [addressKey(account.address), account]))
    this.#aliases = new Map(options.aliases.map((alias) => [addressKey(alias.address), { ...alias, source: 'config' }]))
    this.#domains = new Map(
      options.domains.map(({ name, catchAll, subaddressDelimiter }) => [
        name,
        { name, subaddressDelimiter, source: 'config', ...(catchAll !== undefined && { catchAll }) },
      ]),
    )
  }

  get configuredAccounts(): readonly ConfiguredAccount[] {
    return [...this.#accounts.values()]
  }

  isConfiguredAccount(address: string): boolean {
    return this.#accounts.has(address)
  }

  isConfiguredAlias(address: string): boolean {
    return this.#aliases.has(address)
  }

  isConfiguredDomain(name: string): boolean {
    return this.#domains.has(name)
  }

  /** Forgets what was looked up. */
  invalidate(): void {
    this.#generation += 1
    this.#cache.clear()
  }

  domain(name: string): Promise<Domain | undefined> {
    const configured = this.#domains.get(name)
    if (configured !== undefined) return Promise.resolve(configured)
    return this.#remembered(`domain ${name}`, async () => {
      const bytes = await this.#engine.get(layout.domain(name))
      return bytes === undefined ? undefined : storedDomain(decode<DomainRecord>(bytes))
    })
  }

  alias(address: string): Promise<Alias | undefined> {
    const configured = this.#aliases.get(address)
    if (configured !== undefined) return Promise.resolve(configured)
    return this.#remembered(`alias ${address}`, async () => {
      const bytes = await this.#engine.get(layout.alias(address))
      return bytes === undefined ? undefined : storedAlias(decode<AliasRecord>(bytes))
    })
  }

  account(address: string): Promise<KnownAccount | undefined> {
    return this.#remembered(`account ${address}`, async () => {
      const bytes = await this.#engine.get(layout.account(address))
      return bytes === undefined ? undefined : this.#known(address, decode<AccountRecord>(bytes))
    })
  }

  /** Who may log in as this address; nobody once its domain was removed: what gets no mail here sends none either. */
  async accountOfOurs(address: Address): Promise<KnownAccount | undefined> {
    return (await this.domain(address.domain)) === undefined ? undefined : this.account(addressKey(address))
  }

  async accountById(id: AccountId): Promise<KnownAccount | undefined> {
    const address = await this.#remembered(`id ${id}`, async () => (await this.#engine.get(layout.id(id)))?.toString())
    return address === undefined ? undefined : this.account(address)
  }

  /** The first enabled account of the config, or the oldest of the store where the config has none. */
  async firstAccount(): Promise<Account | undefined> {
    for (const { address } of this.#accounts.values()) {
      const known = await this.account(addressKey(address))
      if (known !== undefined && !known.account.disabled) return known.account
    }
    return this.#remembered('first account', async () => {
      const enabled = (await this.accounts()).filter(({ disabled }) => !disabled)
      return enabled.reduce<Account | undefined>(
        (first, account) => (first === undefined || account.createdAt < first.createdAt ? account : first),
        undefined,
      )
    })
  }

  async accounts(): Promise<readonly Account[]> {
    const accounts: Account[] = []
    for await (const record of this.#records<AccountRecord>(layout.accounts())) {
      const known = this.#known(addressKey(addressOf(record.address)), record)
      if (known !== undefined) accounts.push(known.account)
    }
    return accounts
  }

  async aliases(): Promise<readonly Alias[]> {
    const aliases = [...this.#aliases.values()]
    for await (const record of this.#records<AliasRecord>(layout.aliases())) {
      const alias = storedAlias(record)
      if (!this.#aliases.has(addressKey(alias.address))) aliases.push(alias)
    }
    return aliases
  }

  async domains(): Promise<readonly Domain[]> {
    const domains = [...this.#domains.values()]
    for await (const record of this.#records<DomainRecord>(layout.domains())) {
      if (!this.#domains.has(record.name)) domains.push(storedDomain(record))
    }
    return domains
  }

  #known(address: string, record: AccountRecord): KnownAccount | undefined {
    const configured = this.#accounts.get(address)
    // An account that left the config is gone for everybody; its mail stays for the day it returns.
    if (record.isFromConfig && configured === undefined) return undefined
    const name = configured?.name ?? record.name
    const maxBytes = configured === undefined ? record.maxBytes : configured.maxBytes
    const account: Account = {
      id: record.id as AccountId,
      address: addressOf(record.address),
      source: configured === undefined ? 'store' : 'config',
      disabled: record.disabled ?? false,
      createdAt: record.createdAt,
      ...(name !== undefined && { name }),
      ...(maxBytes !== undefined && { maxBytes }),
      ...(record.maxMessages !== undefined && { maxMessages: record.maxMessages }),
    }
    return { account, hash: record.hash, scram: record.scram, configured: configured?.password }
  }

  async *#records<T>(range: Range): AsyncIterable<T> {
    for await (const batch of this.#engine.scan(range)) {
      for (const [, value] of batch) yield decode<T>(value)
    }
  }

  /** Not an async function: nearly always it is known. */
  #remembered<T>(name: string, read: () => Promise<T>): Promise<T> {
    return this.#cache.has(name) ? Promise.resolve(this.#cache.get(name) as T) : this.#read(name, read)
  }

  async #read<T>(name: string, read: () => Promise<T>): Promise<T> {
    const generation = this.#generation
    const value = await read().catch((cause) => {
      throw new MailError('UNAVAILABLE', `the ${DIRECTORY} cannot be read`, { cause })
    })
    // What was read before a change must not be remembered after it.
    if (generation === this.#generation) {
      if (this.#cache.size >= MAX_CACHED) this.#cache.clear()
      this.#cache.set(name, value)
    }
    return value
  }
}

function storedAlias(record: AliasRecord): Alias {
  return { address: addressOf(record.address), targets: record.targets.map(addressOf), source: 'store' }
}

function storedDomain({ name, catchAll, subaddressDelimiter }: DomainRecord): Domain {
  return {
    name,
    subaddressDelimiter,
    source: 'store',
    ...(catchAll !== undefined && { catchAll: addressOf(catchAll) }),
  }
}

/** For text that was checked before it was stored. */
function addressOf(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new MailError('CORRUPT', `the directory has an address that is none: ${text}`)
  return address
}
