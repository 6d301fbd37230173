import { addressKey, parseAddress } from '../mail/address.ts'
import type { Entry } from '../store/engine.ts'
import { KeyReader, prefixRange } from '../store/key.ts'
import type { Damages } from '../store/verify/damage.ts'
import { decoded } from '../store/verify/decoded.ts'
import { count, type VerifyContext } from '../store/verify/verify-context.ts'
import type { RoomCheck } from '../store/verify/verify-store.ts'
import { type AccountRecord, type AliasRecord, DIRECTORY, type DomainRecord, decode, layout } from './layout.ts'

/** Accounts, aliases and domains: readable, and found by id and by address alike. */
export const directoryCheck: RoomCheck = { damages: verifyDirectory }

async function* verifyDirectory(context: VerifyContext): Damages {
  const { reader, store } = context
  for await (const batch of reader.scan(layout.accounts())) {
    count(context, 'logins', batch.length)
    const records = batch.map(([, value]) => soundAccount(value))
    const ids = await reader.getMany(records.map((record) => layout.id(record?.id ?? '')))
    for (const [at, record] of records.entries()) {
      const address = nameIn((batch[at] as Entry)[0])
      if (record === undefined) {
        yield unreadable('account', address)
      } else if (ids[at]?.toString() !== address) {
        yield {
          kind: 'directory-id',
          account: record.id as never,
          text: `the login ${address} cannot be found by its id: its sessions and its mail fail`,
          fix: () =>
            store.engine.transact([DIRECTORY], async (tx) => {
              const live = soundAccount(await tx.get(layout.account(address)))
              if (live?.id !== record.id || (await tx.get(layout.id(live.id)))?.toString() === address) return undefined
              tx.put(layout.id(live.id), Buffer.from(address))
              tx.afterCommit(() => store.engine.publish(DIRECTORY, 'changed'))
              return 'set the way from its id'
            }),
        }
      }
    }
  }
  yield* danglingIds(context)
  yield* unreadableOthers(context)
}

async function* danglingIds({ reader, store }: VerifyContext): Damages {
  for await (const batch of reader.scan(prefixRange('dir', 'id'))) {
    const accounts = await reader.getMany(batch.map(([, address]) => layout.account(address.toString())))
    for (const [at, [key, address]] of batch.entries()) {
      const id = nameIn(key)
      if (accounts[at] !== undefined) continue
      yield {
        kind: 'directory-dangling',
        text: `the id ${id} leads to the login ${address.toString()}, which does not exist. Its mail, if it has any, belongs to nobody`,
        fix: () =>
          store.engine.transact([DIRECTORY], async (tx) => {
            const [live, account] = await tx.getMany([key, layout.account(address.toString())])
            if (live === undefined || account !== undefined) return undefined
            tx.delete(key)
            tx.afterCommit(() => store.engine.publish(DIRECTORY, 'changed'))
            return 'took the way away; the mail is not touched'
          }),
      }
    }
  }
}

async function* unreadableOthers({ reader }: VerifyContext): Damages {
  for await (const batch of reader.scan(layout.aliases())) {
    for (const [at, value] of batch) {
      const alias = decoded(value, decode<AliasRecord>)
      const isSound = Array.isArray(alias?.targets) && [alias.address, ...alias.targets].every(isAddress)
      if (!isSound) yield unreadable('alias', nameIn(at))
    }
  }
  for await (const batch of reader.scan(layout.domains())) {
    for (const [at, value] of batch) {
      const domain = decoded(value, decode<DomainRecord>)
      if (typeof domain?.name !== 'string') yield unreadable('domain', nameIn(at))
    }
  }
}

const unreadable = (what: 'account' | 'alias' | 'domain', name: string) => ({
  kind: `directory-${what}`,
  text: `the record of the ${what} ${name} is unreadable: mail for it has to wait. Bring it back from a backup, or remove it and add it again`,
})

function soundAccount(value: Buffer | undefined): AccountRecord | undefined {
  const record = decoded(value, decode<AccountRecord>)
  return typeof record?.id === 'string' && isAddress(record.address) ? record : undefined
}

const isAddress = (text: unknown): boolean => {
  const address = typeof text === 'string' ? parseAddress(text) : undefined
  return address !== undefined && addressKey(address) !== ''
}

function nameIn(at: Buffer): string {
  const parts = new KeyReader(at)
  parts.text()
  parts.text()
  return parts.text()
}
