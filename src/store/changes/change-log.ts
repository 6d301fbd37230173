import type { Reader, Transaction } from '../engine.ts'
import { logKey, logRange } from '../layout.ts'
import type { AccountId, MailboxEvent, MetadataOwner } from '../mail-store.ts'
import type { AccountRecord } from '../records/account-record.ts'
import { ByteReader, ByteWriter } from '../records/bytes.ts'
import { mailboxId } from '../records/mailbox-record.ts'
import { fromRanges, toRanges, type UidRange } from '../records/uid-ranges.ts'
import type { StoreLimits } from '../store-context.ts'

/** One committed change. Each has a MODSEQ of its own, which is also its place in the log. */
export interface Change {
  readonly kind: MailboxEvent['kind']
  /** 0 for a change of the list of mailboxes. */
  readonly mailbox: number
  readonly modSeq: bigint
  readonly ranges: readonly UidRange[]
  /** Of a change of annotations: their owner, then their names. */
  readonly names?: readonly string[]
}

const KINDS = ['appended', 'flags', 'expunged', 'mailboxes', 'metadata'] as const
/** Entries that one trim deletes at most: what bounds its cost. */
const TRIM = 2_000

/** Adds the change; counts it in the account's record, which the caller writes. */
export function writeChange(tx: Transaction, account: AccountId, record: AccountRecord, change: Change): void {
  const value = encodeChange(change)
  tx.put(logKey(account, change.modSeq), value)
  record.logCount += 1
  record.logBytes += value.length
}

/**
 * Forgets the oldest changes once there are more than the limits allow, down to nine tenths of them, so that it happens
 * once in many commits.
 */
export async function trimLog(
  tx: Transaction,
  account: AccountId,
  record: AccountRecord,
  limits: StoreLimits,
): Promise<void> {
  if (record.logCount <= limits.logEntries && record.logBytes <= limits.logBytes) return
  const isLarge = () => record.logCount > limits.logEntries * 0.9 || record.logBytes > limits.logBytes * 0.9
  for await (const batch of tx.scan({ ...logRange(account, record.logFloor, record.modSeq), limit: TRIM })) {
    for (const [at, value] of batch) {
      if (!isLarge()) return
      tx.delete(at)
      record.logCount -= 1
      record.logBytes -= value.length
      record.logFloor = modSeqOf(at)
    }
  }
}

/** Changes after `after`, up to and including `upTo`, in the order of their commits. */
export async function* readChanges(
  reader: Reader,
  account: AccountId,
  after: bigint,
  upTo: bigint,
): AsyncIterable<Change> {
  for await (const batch of reader.scan(logRange(account, after, upTo))) {
    for (const [at, value] of batch) yield decodeChange(modSeqOf(at), value)
  }
}

export function toEvent(change: Change): MailboxEvent {
  const { kind, modSeq } = change
  if (kind === 'mailboxes') return { kind, modSeq }
  if (kind === 'metadata') {
    const [owner = 'shared', ...entries] = change.names ?? []
    const mailbox = change.mailbox === 0 ? {} : { mailbox: mailboxId(change.mailbox) }
    return { kind, modSeq, ...mailbox, owner: owner as MetadataOwner, entries }
  }
  return { kind, mailbox: mailboxId(change.mailbox), uids: fromRanges(change.ranges), modSeq }
}

/** @param uids ascending */
export function changeOf(kind: Change['kind'], modSeq: bigint, mailbox: number, uids: readonly number[]): Change {
  return { kind, mailbox, modSeq, ranges: toRanges(uids) }
}

function encodeChange({ kind, mailbox, ranges, names }: Change): Buffer {
  const writer = new ByteWriter(16 + ranges.length * 3)
  writer.byte(KINDS.indexOf(kind))
  writer.varint(mailbox)
  for (const name of names ?? []) writer.text(name)
  let last = 0
  for (const [first, end] of ranges) {
    writer.varint(first - last)
    writer.varint(end - first)
    last = end
  }
  return writer.end()
}

export function decodeChange(modSeq: bigint, value: Buffer): Change {
  const reader = new ByteReader(value)
  const kind = KINDS[reader.byte()] ?? 'mailboxes'
  const mailbox = reader.varint()
  if (kind === 'metadata') {
    const names: string[] = []
    while (!reader.isAtEnd) names.push(reader.text())
    return { kind, mailbox, modSeq, ranges: [], names }
  }
  const ranges: UidRange[] = []
  let last = 0
  while (!reader.isAtEnd) {
    const first = last + reader.varint()
    last = first + reader.varint()
    ranges.push([first, last])
  }
  return { kind, mailbox, modSeq, ranges }
}

const modSeqOf = (at: Buffer): bigint => at.readBigUInt64BE(at.length - 8)
