import type { Engine } from '../engine.ts'
import { KeyReader } from '../key.ts'
import { accountKey, accountRange, logRange } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { type AccountRecord, decodeAccount, encodeAccount } from '../records/account-record.ts'
import type { StoreContext } from '../store-context.ts'
import { type LogBounds, trimLog } from './change-log.ts'

/** Entries that one transaction deletes at most. */
const BATCH = 1_000

/**
 * Forgets changes of every account that are too old, or too many: then down to nine tenths of the limit, so that commits
 * seldom have to. A client that was away for longer takes its mailbox anew.
 * @returns how many entries went
 */
export async function trimLogs(context: StoreContext, signal?: AbortSignal): Promise<number> {
  const { engine, clock, limits } = context
  // A MODSEQ is never less than the microseconds of the clock when it was given out.
  const after = BigInt(Math.max(0, Math.floor(clock.now() - limits.logAgeMs))) * 1000n
  const bounds = { logEntries: limits.logEntries * 0.9, logBytes: limits.logBytes * 0.9, after }
  let gone = 0
  for await (const batch of engine.scan(accountRange())) {
    for (const [at, value] of batch) {
      signal?.throwIfAborted()
      const account = accountIn(at)
      if (!(await isDue(engine, account, decodeAccount(value), bounds))) continue
      for (let count = BATCH; count === BATCH; gone += count) count = await trimOnce(engine, account, bounds)
    }
  }
  return gone
}

async function isDue(engine: Engine, account: AccountId, record: AccountRecord, bounds: LogBounds): Promise<boolean> {
  if (record.logCount === 0) return false
  if (record.logCount > bounds.logEntries || record.logBytes > bounds.logBytes) return true
  const { after = 0n } = bounds
  if (record.logFloor >= after) return false
  for await (const oldest of engine.scan({ ...logRange(account, record.logFloor, after), limit: 1 })) {
    if (oldest.length > 0) return true
  }
  return false
}

function trimOnce(engine: Engine, account: AccountId, bounds: LogBounds): Promise<number> {
  return engine.transactRelaxed([accountScope(account)], async (tx) => {
    const value = await tx.get(accountKey(account))
    if (value === undefined) return 0
    const record = decodeAccount(value)
    const gone = await trimLog(tx, account, record, bounds, BATCH)
    if (gone > 0) tx.put(accountKey(account), encodeAccount(record))
    return gone
  })
}

function accountIn(at: Buffer): AccountId {
  const reader = new KeyReader(at)
  reader.text()
  return reader.text() as AccountId
}
