import { randomBytes } from 'node:crypto'
import { MailError } from '../errors/mail-error.ts'
import type { Clock } from '../kernel/clock.ts'
import type { HookRunner } from '../kernel/run-hooks.ts'
import { type Address, addressKey, formatAddress, normalizeDomain } from '../mail/address.ts'
import type { Engine, Transaction } from '../store/engine.ts'
import type { AccountId, MailStore } from '../store/mail-store.ts'
import type { Account, AccountChange, Alias, Directory, Domain, NewAccount, Resolution } from './directory.ts'
import type { DirectoryData } from './directory-data.ts'
import type { GeneratedPasswords } from './generated-passwords.ts'
import { type AccountRecord, type AliasRecord, DIRECTORY, decode, encode, layout } from './layout.ts'
import { generatePassword, hashPassword, MAX_PASSWORD_BYTES } from './password.ts'
import { resolveRecipient } from './resolve-recipient.ts'
import { scramVerifier } from './scram-verifier.ts'

export interface StoreDirectoryParts {
  readonly engine: Engine
  readonly store: MailStore
  readonly data: DirectoryData
  readonly run: HookRunner
  readonly clock: Clock
  readonly generated: GeneratedPasswords
}

/** The directory over config and store: reads through DirectoryData, changes the store alone. */
export class StoreDirectory implements Directory {
  readonly #parts: StoreDirectoryParts

  constructor(parts: StoreDirectoryParts) {
    this.#parts = parts
  }

  /**
   * Gives every account of the config its record and mailboxes, and a password when it has none.
   * Safe to repeat, and for several workers at once.
   */
  async adoptConfigured(): Promise<void> {
    const { data, generated } = this.#parts
    for (const { address, password, maxBytes } of data.configuredAccounts) {
      const text = formatAddress(address)
      let record = await this.#adopt(address)
      if (password === undefined && record.hash === undefined) {
        const made = generatePassword()
        const proof = await proofOf(made)
        const key = addressKey(address)
        record = await this.#change(async (tx) => {
          const stored = await tx.get(layout.account(key))
          const current = stored === undefined ? record : decode<AccountRecord>(stored)
          if (current.hash !== undefined) return current
          // The file first: a hash whose password nobody knows would lock the account.
          await generated.set(text, made)
          const next = { ...current, ...proof }
          tx.put(layout.account(key), encode(next))
          return next
        })
      }
      await this.#prepareMailboxes(record.id as AccountId, maxBytes, record.maxMessages)
    }
  }

  async isLocalDomain(domain: string): Promise<boolean> {
    return (await this.#parts.data.domain(domain)) !== undefined
  }

  resolve(address: Address): Promise<Resolution> {
    return resolveRecipient(this.#parts.data, this.#parts.run, address)
  }

  async account(id: AccountId): Promise<Account | undefined> {
    return (await this.#parts.data.accountById(id))?.account
  }

  async accountByAddress(address: Address): Promise<Account | undefined> {
    return (await this.#parts.data.account(addressKey(address)))?.account
  }

  async maySendAs(account: AccountId, sender: Address): Promise<boolean> {
    const { data, run } = this.#parts
    // The catch-all takes mail for every name of the domain; it does not lend those names.
    const resolution = await resolveRecipient(data, run, sender, { catchAll: false })
    return resolution.kind === 'local' && resolution.accounts.some((reached) => reached.account.id === account)
  }

  accounts(): Promise<readonly Account[]> {
    return this.#parts.data.accounts()
  }

  aliases(): Promise<readonly Alias[]> {
    return this.#parts.data.aliases()
  }

  domains(): Promise<readonly Domain[]> {
    return this.#parts.data.domains()
  }

  async addAccount(account: NewAccount, password: string): Promise<Account> {
    const { clock, data } = this.#parts
    const key = addressKey(account.address)
    checkPassword(password)
    await this.#requireFree(account.address)
    const record: AccountRecord = {
      id: newAccountId(),
      address: formatAddress(account.address),
      ...(await proofOf(password)),
      createdAt: clock.now(),
      ...(account.name !== undefined && { name: account.name }),
      ...(account.maxBytes !== undefined && { maxBytes: account.maxBytes }),
      ...(account.maxMessages !== undefined && { maxMessages: account.maxMessages }),
    }
    await this.#change(async (tx) => {
      if ((await tx.get(layout.account(key))) !== undefined || (await tx.get(layout.alias(key))) !== undefined) {
        throw new MailError('CONFLICT', `${key} exists already`)
      }
      tx.put(layout.account(key), encode(record))
      tx.put(layout.id(record.id), Buffer.from(key))
    })
    await this.#prepareMailboxes(record.id as AccountId, record.maxBytes, record.maxMessages)
    const added = await data.account(key)
    if (added === undefined) throw new MailError('UNAVAILABLE', `${key} was added and cannot be read back`)
    return added.account
  }

  async updateAccount(address: Address, change: AccountChange): Promise<Account> {
    const key = addressKey(address)
    if (this.#parts.data.isConfiguredAccount(key) && (change.name !== undefined || change.maxBytes !== undefined)) {
      throw new MailError('NOT_ALLOWED', `${key} stands in the config: change its name and quota there`)
    }
    const record = await this.#updateRecord(address, (current) => {
      const next: Record<string, unknown> = { ...current }
      for (const [name, value] of Object.entries(change)) {
        if (value === null) delete next[name]
        else if (value !== undefined) next[name] = value
      }
      return next as unknown as AccountRecord
    })
    const updated = await this.#parts.data.account(key)
    if (updated === undefined) throw new MailError('NOT_FOUND', `there is no account ${key}`)
    const { maxBytes, maxMessages } = updated.account
    await this.#parts.store.setQuota(record.id as AccountId, { maxBytes, maxMessages })
    return updated.account
  }

  async setPassword(address: Address, password: string): Promise<void> {
    checkPassword(password)
    const proof = await proofOf(password)
    const record = await this.#updateRecord(address, ({ scram: _, ...current }) => ({ ...current, ...proof }))
    await this.#parts.generated.remove(record.address)
  }

  async removeAccount(address: Address): Promise<void> {
    const key = addressKey(address)
    if (this.#parts.data.isConfiguredAccount(key)) {
      throw new MailError('NOT_ALLOWED', `${key} stands in the config: remove it there`)
    }
    const known = await this.#parts.data.account(key)
    if (known === undefined) throw new MailError('NOT_FOUND', `there is no account ${key}`)
    await this.#change(async (tx) => {
      tx.delete(layout.account(key))
      tx.delete(layout.id(known.account.id))
    })
    await this.#parts.store.removeAccount(known.account.id)
  }

  async addAlias(address: Address, targets: readonly Address[]): Promise<void> {
    if (targets.length === 0) throw new MailError('INVALID', 'an alias needs at least one target')
    await this.#requireFree(address)
    const key = addressKey(address)
    if (targets.some((target) => addressKey(target) === key)) {
      throw new MailError('INVALID', `${key} would be an alias of itself`)
    }
    const record: AliasRecord = { address: formatAddress(address), targets: targets.map(formatAddress) }
    await this.#change(async (tx) => {
      if ((await tx.get(layout.account(key))) !== undefined || (await tx.get(layout.alias(key))) !== undefined) {
        throw new MailError('CONFLICT', `${key} exists already`)
      }
      tx.put(layout.alias(key), encode(record))
    })
  }

  async removeAlias(address: Address): Promise<void> {
    const key = addressKey(address)
    if (this.#parts.data.isConfiguredAlias(key)) {
      throw new MailError('NOT_ALLOWED', `${key} stands in the config: remove it there`)
    }
    await this.#change(async (tx) => {
      if ((await tx.get(layout.alias(key))) === undefined) throw new MailError('NOT_FOUND', `there is no alias ${key}`)
      tx.delete(layout.alias(key))
    })
  }

  async addDomain(domain: { name: string; catchAll?: Address; subaddressDelimiter?: string }): Promise<void> {
    const name = normalizeDomain(domain.name)
    if (name === undefined) throw new MailError('INVALID', `${domain.name} is no domain`)
    if (this.#parts.data.isConfiguredDomain(name)) throw new MailError('CONFLICT', `${name} stands in the config`)
    await this.#change(async (tx) => {
      if ((await tx.get(layout.domain(name))) !== undefined) throw new MailError('CONFLICT', `${name} exists already`)
      const catchAll = domain.catchAll === undefined ? {} : { catchAll: formatAddress(domain.catchAll) }
      tx.put(layout.domain(name), encode({ name, subaddressDelimiter: domain.subaddressDelimiter ?? '+', ...catchAll }))
    })
  }

  async removeDomain(text: string, options: { force?: boolean } = {}): Promise<void> {
    const name = normalizeDomain(text)
    if (name === undefined) throw new MailError('INVALID', `${text} is no domain`)
    if (this.#parts.data.isConfiguredDomain(name)) {
      throw new MailError('NOT_ALLOWED', `${name} stands in the config: remove it there`)
    }
    // A stored domain may go that another worker gives an account to at this moment: then that account cannot log in either.
    const accounts = options.force === true ? 0 : await this.#accountsIn(name)
    await this.#change(async (tx) => {
      if ((await tx.get(layout.domain(name))) === undefined) {
        throw new MailError('NOT_FOUND', `there is no domain ${name}`)
      }
      if (accounts > 0) throw new MailError('CONFLICT', `${name} has accounts (${accounts}): remove them first`)
      tx.delete(layout.domain(name))
    })
  }

  async #accountsIn(domain: string): Promise<number> {
    const accounts = await this.#parts.data.accounts()
    return accounts.filter(({ address }) => normalizeDomain(address.domain) === domain).length
  }

  /** The record of an account of the config: its own from before, or a new one. */
  #adopt(address: Address): Promise<AccountRecord> {
    const key = addressKey(address)
    return this.#change(async (tx) => {
      const stored = await tx.get(layout.account(key))
      if (stored !== undefined) return decode<AccountRecord>(stored)
      const record: AccountRecord = {
        id: newAccountId(),
        address: formatAddress(address),
        createdAt: this.#parts.clock.now(),
        isFromConfig: true,
      }
      tx.put(layout.account(key), encode(record))
      tx.put(layout.id(record.id), Buffer.from(key))
      return record
    })
  }

  async #prepareMailboxes(id: AccountId, maxBytes: number | undefined, maxMessages: number | undefined): Promise<void> {
    const { store } = this.#parts
    await store.createAccount(id)
    const quota = await store.quota(id)
    if (quota.maxBytes !== maxBytes || quota.maxMessages !== maxMessages) {
      await store.setQuota(id, { maxBytes, maxMessages })
    }
  }

  async #requireFree(address: Address): Promise<void> {
    const { data } = this.#parts
    const key = addressKey(address)
    if ((await data.domain(address.domain)) === undefined) {
      throw new MailError(
        'INVALID',
        `${address.domain} is not a domain of this server: add it to the config or with domain add`,
      )
    }
    if (data.isConfiguredAccount(key) || data.isConfiguredAlias(key)) {
      throw new MailError('CONFLICT', `${key} stands in the config already`)
    }
  }

  #updateRecord(address: Address, update: (current: AccountRecord) => AccountRecord): Promise<AccountRecord> {
    const key = addressKey(address)
    return this.#change(async (tx) => {
      const stored = await tx.get(layout.account(key))
      if (stored === undefined) throw new MailError('NOT_FOUND', `there is no account ${key}`)
      const next = update(decode<AccountRecord>(stored))
      tx.put(layout.account(key), encode(next))
      return next
    })
  }

  /** One change: alone, on disk when it resolves, and then known to this worker at once and to the others by the topic. */
  async #change<T>(fn: (tx: Transaction) => Promise<T>): Promise<T> {
    const { engine, data } = this.#parts
    return engine.transact([DIRECTORY], async (tx) => {
      tx.afterCommit(() => {
        data.invalidate()
        engine.publish(DIRECTORY, 'changed')
      })
      return fn(tx)
    })
  }
}

/** Short, sortable by nothing, never the same again. */
function newAccountId(): string {
  return randomBytes(10).toString('base64url')
}

/** What is kept of a password. */
async function proofOf(password: string): Promise<Pick<AccountRecord, 'hash' | 'scram'>> {
  const [hash, scram] = await Promise.all([hashPassword(password), scramVerifier(password)])
  return { hash, ...(scram !== undefined && { scram }) }
}

function checkPassword(password: string): void {
  if (password === '') throw new MailError('INVALID', 'a password cannot be empty')
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) {
    throw new MailError('INVALID', `a password has ${MAX_PASSWORD_BYTES} octets at most`)
  }
}
