import { addressKey, normalizeDomain, parseAddress } from '../mail/address.ts'
import type { BackupSection, SectionRecord } from '../store/backup/section.ts'
import type { Engine, Range, Reader } from '../store/engine.ts'
import type { AccountId } from '../store/mail-store.ts'
import { type AccountRecord, type AliasRecord, DIRECTORY, type DomainRecord, decode, encode, layout } from './layout.ts'

type Kept =
  | { readonly kind: 'account'; readonly account: AccountRecord }
  | { readonly kind: 'alias'; readonly alias: AliasRecord }
  | { readonly kind: 'domain'; readonly domain: DomainRecord }

/** Accounts with what proves their passwords, aliases and domains, as commands made them; what the config says stays there. */
export const directorySection: BackupSection = {
  name: 'directory',
  async *read(reader, only) {
    for await (const account of recordsIn<AccountRecord>(reader, layout.accounts())) {
      if (only === undefined || only.has(account.id as AccountId)) yield kept({ kind: 'account', account })
    }
    if (only !== undefined) return
    for await (const alias of recordsIn<AliasRecord>(reader, layout.aliases())) yield kept({ kind: 'alias', alias })
    for await (const domain of recordsIn<DomainRecord>(reader, layout.domains())) yield kept({ kind: 'domain', domain })
  },
}

export interface DirectoryRestore {
  /** Ids of the backup's accounts that are wanted; all, with aliases and domains, when left out. */
  readonly only?: ReadonlySet<AccountId> | undefined
  /** May the credentials of this account be those of the backup? */
  readonly isUntouched: (account: AccountId) => Promise<boolean>
}

/**
 * Brings accounts, aliases and domains back that are missing. What is there stays, but for an account that has never
 * been used: that gets its credentials back.
 * @returns the account that each of the backup is here
 */
export async function restoreDirectory(
  engine: Engine,
  records: readonly unknown[],
  { only, isUntouched }: DirectoryRestore,
): Promise<ReadonlyMap<AccountId, AccountId>> {
  const ids = new Map<AccountId, AccountId>()
  for (const record of records as readonly Kept[]) {
    if (record.kind === 'account') {
      const id = record.account.id as AccountId
      if (only !== undefined && !only.has(id)) continue
      ids.set(id, await restoreAccountRecord(engine, record.account, isUntouched))
    } else if (only === undefined) {
      await putMissing(engine, record)
    }
  }
  engine.publish(DIRECTORY, 'changed')
  return ids
}

async function restoreAccountRecord(
  engine: Engine,
  account: AccountRecord,
  isUntouched: (account: AccountId) => Promise<boolean>,
): Promise<AccountId> {
  const address = addressKeyOf(account.address)
  const present = await engine.get(layout.account(address))
  const replace = present !== undefined && (await isUntouched(decode<AccountRecord>(present).id as AccountId))
  return engine.transact([DIRECTORY], async (tx) => {
    const [there, owner] = await tx.getMany([layout.account(address), layout.id(account.id)])
    if (there === undefined) {
      // Its id may be in use: then somebody has renamed it since.
      const id = owner === undefined ? account.id : `${account.id}r`
      tx.put(layout.account(address), encode({ ...account, id }))
      tx.put(layout.id(id), Buffer.from(address))
      return id as AccountId
    }
    const { id, isFromConfig } = decode<AccountRecord>(there)
    if (replace) {
      const { isFromConfig: _, ...rest } = account
      tx.put(layout.account(address), encode({ ...rest, id, ...(isFromConfig && { isFromConfig }) }))
    }
    return id as AccountId
  })
}

function putMissing(engine: Engine, record: Exclude<Kept, { kind: 'account' }>): Promise<void> {
  return engine.transact([DIRECTORY], async (tx) => {
    if (record.kind === 'domain') {
      const key = layout.domain(normalizeDomain(record.domain.name) ?? record.domain.name)
      if ((await tx.get(key)) === undefined) tx.put(key, encode(record.domain))
      return
    }
    const address = addressKeyOf(record.alias.address)
    const [account, alias] = await tx.getMany([layout.account(address), layout.alias(address)])
    if (account === undefined && alias === undefined) tx.put(layout.alias(address), encode(record.alias))
  })
}

function addressKeyOf(text: string): string {
  const address = parseAddress(text)
  return address === undefined ? text : addressKey(address)
}

const kept = (record: Kept): SectionRecord => ({ record })

async function* recordsIn<T>(reader: Reader, range: Range): AsyncIterable<T> {
  for await (const batch of reader.scan(range)) for (const [, value] of batch) yield decode<T>(value)
}
