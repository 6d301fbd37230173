import type { Reader, Transaction } from '../engine.ts'
import { StatePageKeys } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import { pageOf, StatePage, type StateRecord } from '../records/state-page.ts'
import { decoded } from './decoded.ts'

/** The state of one message; undefined when there is none, or its page cannot be read. */
export async function stateOf(
  reader: Reader,
  account: AccountId,
  mailbox: number,
  uid: number,
): Promise<StateRecord | undefined> {
  const page = await pageWith(reader, account, mailbox, uid)
  const row = page?.find(uid) ?? -1
  return page === undefined || row === -1 ? undefined : page.recordAt(row)
}

/** Sets the state of one message anywhere in its page, or takes it away. A page that cannot be read begins anew. */
export async function writeState(
  tx: Transaction,
  account: AccountId,
  mailbox: number,
  uid: number,
  state: StateRecord | undefined,
): Promise<void> {
  const old = await pageWith(tx, account, mailbox, uid)
  const next = StatePage.empty(pageOf(uid))
  const rows = Array.from({ length: old?.count ?? 0 }, (_, row) => row)
  const states = new Map(rows.map((row) => [old?.uidAt(row) as number, old?.recordAt(row) as StateRecord]))
  if (state === undefined) states.delete(uid)
  else states.set(uid, state)
  for (const [at, one] of [...states].sort(([a], [b]) => a - b)) next.add(at, one)
  const key = new StatePageKeys(account, mailbox).of(next.number)
  if (next.count === 0) tx.delete(key)
  else tx.put(key, next.encode())
}

async function pageWith(reader: Reader, account: AccountId, mailbox: number, uid: number) {
  const number = pageOf(uid)
  const value = await reader.get(new StatePageKeys(account, mailbox).of(number))
  return decoded(value, (bytes) => StatePage.decode(number, bytes))
}
