import { decodeChanges } from '../changes/change-log.ts'
import { KeyReader, prefixRange } from '../key.ts'
import { accountKey } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { type AccountRecord, decodeAccount, encodeAccount } from '../records/account-record.ts'
import type { Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import type { VerifyContext } from './verify-context.ts'

/**
 * The log of changes against the account: every entry readable, none newer than the account, and as many as are
 * counted. A log that is wrong is dropped: clients then take their mailboxes anew, which is right whatever was lost.
 */
export async function* verifyLog(context: VerifyContext, account: AccountId, record: AccountRecord): Damages {
  let entries = 0
  let bytes = 0
  let unreadable = 0
  let newer = 0
  for await (const batch of context.reader.scan(prefixRange('mail-log', account))) {
    for (const [at, value] of batch) {
      const modSeq = modSeqOf(at)
      entries += 1
      bytes += value.length
      if (decoded(value, (octets) => decodeChanges(modSeq, octets)) === undefined) unreadable += 1
      if (modSeq > record.modSeq) newer += 1
    }
  }
  const fix = () => dropLog(context, account)
  if (unreadable > 0 || newer > 0) {
    yield {
      kind: 'log-entry',
      account,
      text: `${unreadable + newer} entries of the log of changes are ${unreadable > 0 ? 'unreadable' : 'newer than the account'}: clients that ask what changed get an error or miss something`,
      fix,
    }
  } else if (entries !== record.logCount || bytes !== record.logBytes) {
    yield {
      kind: 'log-count',
      account,
      text: `the log of changes is counted with ${record.logCount} entries and has ${entries}: it is cut too early or too late`,
      fix,
    }
  }
}

function dropLog({ store }: VerifyContext, account: AccountId): Promise<string | undefined> {
  return store.engine.transact([accountScope(account)], async (tx) => {
    const record = decoded(await tx.get(accountKey(account)), decodeAccount)
    if (record === undefined) return undefined
    for await (const batch of tx.scan(prefixRange('mail-log', account))) {
      for (const [at] of batch) {
        const modSeq = modSeqOf(at)
        if (modSeq > record.modSeq) record.modSeq = modSeq
        tx.delete(at)
      }
    }
    Object.assign(record, { logFloor: record.modSeq, logCount: 0, logBytes: 0 })
    tx.put(accountKey(account), encodeAccount(record))
    return 'dropped the log; clients take their mailboxes anew'
  })
}

function modSeqOf(at: Buffer): bigint {
  const parts = new KeyReader(at)
  parts.text()
  parts.text()
  return parts.u64()
}
