import { linkIn, unlinkIn } from '../blob-links.ts'
import type { BlobRef } from '../blob-store.ts'
import type { Engine, Reader, Transaction } from '../engine.ts'
import { KeyReader } from '../key.ts'
import { mirrorJournalKey, mirrorJournalRange, mirrorJournalRangeOf } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import type { MirrorLoad, MirrorOperation } from './mailbox-mirror.ts'

/** One commit that the mirror has not confirmed. */
export interface MirrorCommit {
  /** The account's MODSEQ after the commit; it orders them. */
  readonly modSeq: bigint
  readonly operations: readonly MirrorOperation[]
}

/** Owner of the link that keeps a blob until the mirror holds its message. */
export const mirrorOwner = (ref: BlobRef): string => `mirror/${ref}`

export function writeJournal(
  tx: Transaction,
  account: AccountId,
  modSeq: bigint,
  operations: readonly MirrorOperation[],
): void {
  tx.put(mirrorJournalKey(account, modSeq), Buffer.from(JSON.stringify(operations)))
}

/** The oldest unconfirmed commits of the account. @param after MODSEQ behind which to begin */
export async function readJournal(
  reader: Reader,
  account: AccountId,
  limit?: number,
  after?: bigint,
): Promise<MirrorCommit[]> {
  const commits: MirrorCommit[] = []
  const all = mirrorJournalRangeOf(account)
  const range = after === undefined ? all : { ...all, gte: mirrorJournalKey(account, after + 1n) }
  for await (const batch of reader.scan(limit === undefined ? range : { ...range, limit })) {
    for (const [at, value] of batch) {
      commits.push({
        modSeq: at.readBigUInt64BE(at.length - 8),
        operations: JSON.parse(value.toString()) as MirrorOperation[],
      })
    }
  }
  return commits
}

/** What so many operations are to a mirror. */
export function loadOf(operations: readonly MirrorOperation[]): MirrorLoad {
  const bytes = operations.reduce((sum, one) => sum + (one.kind === 'added' ? (one.bytes ?? 0) : 0), 0)
  return { operations: operations.length, bytes }
}

/** All that the mirror has not confirmed, counted. */
export interface JournalSize extends MirrorLoad {
  readonly accounts: number
  /** When the oldest was committed, milliseconds since the epoch; null when there is none. */
  readonly oldestAt: number | null
}

/** @param account of this one alone */
export async function measureJournal(reader: Reader, account?: AccountId): Promise<JournalSize> {
  const accounts = new Set<string>()
  let [operations, bytes] = [0, 0]
  let oldest: bigint | undefined
  for await (const batch of reader.scan(account === undefined ? mirrorJournalRange() : mirrorJournalRangeOf(account))) {
    for (const [at, value] of batch) {
      const key = new KeyReader(at)
      key.text()
      accounts.add(key.text())
      const load = loadOf(JSON.parse(value.toString()) as MirrorOperation[])
      operations += load.operations
      bytes += load.bytes
      const modSeq = at.readBigUInt64BE(at.length - 8)
      if (oldest === undefined || modSeq < oldest) oldest = modSeq
    }
  }
  // A MODSEQ is never less than the microseconds of its commit, and hardly ever more.
  return { accounts: accounts.size, operations, bytes, oldestAt: oldest === undefined ? null : Number(oldest / 1000n) }
}

/** Accounts that have unconfirmed commits. */
export async function journalAccounts(reader: Reader): Promise<AccountId[]> {
  const accounts = new Set<AccountId>()
  for await (const batch of reader.scan(mirrorJournalRange())) {
    for (const [at] of batch) {
      const key = new KeyReader(at)
      key.text()
      accounts.add(key.text() as AccountId)
    }
  }
  return [...accounts]
}

/**
 * The mirror has done these: they are forgotten, and the blobs let go. No scope is needed, for nobody else writes these
 * keys. May be lost in a power failure: the operations are then done again.
 * @param kept what of them is still to be done; the blobs that it names are kept
 */
export async function confirmJournal(
  engine: Engine,
  account: AccountId,
  commits: readonly MirrorCommit[],
  kept: readonly MirrorCommit[],
  now: number,
): Promise<void> {
  await engine.transactRelaxed([], async (tx) => {
    for (const { modSeq, operations } of commits) {
      tx.delete(mirrorJournalKey(account, modSeq))
      for (const operation of operations) {
        if (operation.kind === 'added') unlinkIn(tx, operation.source, mirrorOwner(operation.ref), now)
      }
    }
    for (const { modSeq, operations } of kept) {
      for (const operation of operations) {
        if (operation.kind === 'added') linkIn(tx, operation.source, mirrorOwner(operation.ref))
      }
      writeJournal(tx, account, modSeq, operations)
    }
  })
}
