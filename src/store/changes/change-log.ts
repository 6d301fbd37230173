import type { Reader, Transaction } from '../engine.ts'
import { logKey, logRange } from '../layout.ts'
import type { AccountId, MailboxEvent, MetadataOwner } from '../mail-store.ts'
import type { AccountRecord } from '../records/account-record.ts'
import { ByteReader, ByteWriter } from '../records/bytes.ts'
import { mailboxId } from '../records/mailbox-record.ts'
import { fromRanges, toRanges, type UidRange } from '../records/uid-ranges.ts'

/** One committed change. Each has a MODSEQ of its own; that of a commit's last one is the place of its entry in the log. */
export interface Change {
  readonly kind: MailboxEvent['kind']
  /** 0 for a change of the list of mailboxes. */
  readonly mailbox: number
  readonly modSeq: bigint
  readonly ranges: readonly UidRange[]
  /** Of a change of annotations: their owner, then their names. */
  readonly names?: readonly string[]
}

/** Part of its bounds by which a log may be larger before a commit makes it smaller. */
const SLACK = 0.01
/** Entries that such a commit forgets, if there are so many. */
const MIN_TRIM = 50
const KINDS = ['appended', 'flags', 'expunged', 'mailboxes', 'metadata'] as const
/** Stands for a kind where an entry has several changes. */
const TOGETHER = 0xff

/**
 * Adds the changes of one commit as one entry, under the MODSEQ of the last; counts it in the account's record, which the
 * caller writes.
 */
export function writeChanges(
  tx: Transaction,
  account: AccountId,
  record: AccountRecord,
  changes: readonly Change[],
): void {
  const rising = changes.length > 1 ? changes.toSorted((a, b) => Number(a.modSeq - b.modSeq)) : changes
  const last = rising.at(-1)
  if (last === undefined) return
  const value = rising.length === 1 ? encodeChange(last) : encodeTogether(rising, last.modSeq)
  tx.put(logKey(account, last.modSeq), value)
  record.logCount += 1
  record.logBytes += value.length
}

/** What of a log may stay. */
export interface LogBounds {
  readonly logEntries: number
  readonly logBytes: number
  /** Changes up to this MODSEQ are too old, however few there are. */
  readonly after?: bigint
}

/**
 * Forgets the oldest entries until the bounds hold; counts them out of the account's record, which the caller writes.
 * @param most entries that go at most: what bounds its cost
 * @returns how many went
 */
export async function trimLog(
  tx: Transaction,
  account: AccountId,
  record: AccountRecord,
  { logEntries, logBytes, after = 0n }: LogBounds,
  most: number,
): Promise<number> {
  const isLarge = () => record.logCount > logEntries || record.logBytes > logBytes
  if (!isLarge() && record.logFloor >= after) return 0
  let gone = 0
  for await (const batch of tx.scan({ ...logRange(account, record.logFloor, record.modSeq), limit: most })) {
    for (const [at, value] of batch) {
      const modSeq = modSeqOf(at)
      if (!isLarge() && modSeq > after) return gone
      tx.delete(at)
      record.logCount -= 1
      record.logBytes -= value.length
      record.logFloor = modSeq
      gone += 1
    }
  }
  return gone
}

/**
 * What a commit does for the log of its account. It may be larger than its bounds by a hundredth: one commit in many then
 * reads what is oldest, instead of each.
 * A log that is far beyond its bounds gets smaller with each commit.
 */
export async function keepLogBounded(
  tx: Transaction,
  account: AccountId,
  record: AccountRecord,
  bounds: LogBounds,
): Promise<void> {
  const slack = Math.floor(bounds.logEntries * SLACK)
  if (record.logCount <= bounds.logEntries + slack && record.logBytes <= bounds.logBytes * (1 + SLACK)) return
  await trimLog(tx, account, record, bounds, Math.max(MIN_TRIM, slack))
}

/** Changes after `after`, up to and including `upTo`, with which a commit ended, in the order of their commits. */
export async function* readChanges(
  reader: Reader,
  account: AccountId,
  after: bigint,
  upTo: bigint,
): AsyncIterable<Change> {
  for await (const batch of reader.scan(logRange(account, after, upTo))) {
    for (const [at, value] of batch) {
      for (const change of decodeChanges(modSeqOf(at), value)) if (change.modSeq > after) yield change
    }
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
  writeRanges(writer, ranges)
  return writer.end()
}

function encodeTogether(changes: readonly Change[], last: bigint): Buffer {
  const writer = new ByteWriter(16 + changes.length * 16)
  writer.byte(TOGETHER)
  for (const { kind, modSeq, mailbox, ranges, names = [] } of changes) {
    writer.varint(Number(last - modSeq))
    writer.byte(KINDS.indexOf(kind))
    writer.varint(mailbox)
    writer.varint(names.length)
    for (const name of names) writer.text(name)
    writer.varint(ranges.length)
    writeRanges(writer, ranges)
  }
  return writer.end()
}

function writeRanges(writer: ByteWriter, ranges: readonly UidRange[]): void {
  let last = 0
  for (const [first, end] of ranges) {
    writer.varint(first - last)
    writer.varint(end - first)
    last = end
  }
}

/** What an entry says. @param modSeq of its place in the log @throws MailError CORRUPT */
export function decodeChanges(modSeq: bigint, value: Buffer): readonly Change[] {
  const reader = new ByteReader(value)
  const kind = reader.byte()
  return kind === TOGETHER ? decodeTogether(modSeq, reader) : [decodeChange(modSeq, kind, reader)]
}

function decodeChange(modSeq: bigint, number: number, reader: ByteReader): Change {
  const kind = KINDS[number] ?? 'mailboxes'
  const mailbox = reader.varint()
  if (kind === 'metadata') {
    const names: string[] = []
    while (!reader.isAtEnd) names.push(reader.text())
    return { kind, mailbox, modSeq, ranges: [], names }
  }
  const ranges: UidRange[] = []
  while (!reader.isAtEnd) readRange(reader, ranges)
  return { kind, mailbox, modSeq, ranges }
}

function decodeTogether(last: bigint, reader: ByteReader): readonly Change[] {
  const changes: Change[] = []
  while (!reader.isAtEnd) {
    const modSeq = last - BigInt(reader.varint())
    const kind = KINDS[reader.byte()] ?? 'mailboxes'
    const mailbox = reader.varint()
    const names: string[] = []
    for (let left = reader.varint(); left > 0; left--) names.push(reader.text())
    const ranges: UidRange[] = []
    for (let left = reader.varint(); left > 0; left--) readRange(reader, ranges)
    changes.push({ kind, mailbox, modSeq, ranges, ...(kind === 'metadata' && { names }) })
  }
  return changes
}

function readRange(reader: ByteReader, ranges: UidRange[]): void {
  const first = (ranges.at(-1)?.[1] ?? 0) + reader.varint()
  ranges.push([first, first + reader.varint()])
}

const modSeqOf = (at: Buffer): bigint => at.readBigUInt64BE(at.length - 8)
