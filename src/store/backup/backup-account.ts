import type { Reader } from '../engine.ts'
import { accountKey, countersKey, MessageKeys, StatePageKeys } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import { allRecords, allSubscriptions } from '../mailboxes/names.ts'
import { allMetadata } from '../metadata/metadata.ts'
import { decodeAccount } from '../records/account-record.ts'
import { type CopyRecord, decodeCopy } from '../records/copy-record.ts'
import { flagList } from '../records/flags.ts'
import { decodeCounters, type MailboxCounters } from '../records/mailbox-counters.ts'
import type { MailboxRecord } from '../records/mailbox-record.ts'
import { StatePage, type StateRecord } from '../records/state-page.ts'
import type { StoreContext } from '../store-context.ts'
import type { BlobCopies } from './copy-blobs.ts'
import { type BackupAccount, type BackupMailbox, type BackupMessage, CHUNK_UIDS } from './point.ts'
import type { RecordFiles } from './record-files.ts'

/** A message that could not be backed up. */
export interface NotBackedUp {
  readonly account: AccountId
  readonly mailbox: string
  readonly uid: number
  readonly text: string
}

export interface AccountBackupParts {
  readonly store: StoreContext
  readonly reader: Reader
  readonly copies: BlobCopies
  readonly records: RecordFiles
  readonly signal?: AbortSignal | undefined
  readonly onMessages: (count: number) => void
  readonly onMissing: (missing: NotBackedUp) => Promise<void> | void
}

const PAGES_AT_ONCE = 32

/** One account as it is in the snapshot. undefined when it has no mailboxes, or none any more. */
export async function backUpAccount(
  parts: AccountBackupParts,
  account: AccountId,
  address: string | null,
  before: BackupAccount | undefined,
): Promise<BackupAccount | undefined> {
  const { reader } = parts
  const value = await reader.get(accountKey(account))
  const record = value === undefined ? undefined : decodeAccount(value)
  if (record === undefined || !record.isLive) return undefined
  const mailboxes: BackupMailbox[] = []
  for (const [name, mailbox] of await allRecords(reader, account)) {
    const counters = await reader.get(countersKey(account, mailbox.number))
    if (counters === undefined) continue
    const old = before?.mailboxes.find(({ number }) => number === mailbox.number)
    mailboxes.push(await backUpMailbox(parts, account, name, mailbox, decodeCounters(counters), old))
  }
  const { modSeq, lastMailbox, lastUidValidity, lostUidValidity, maxBytes, maxMessages } = record
  return {
    id: account,
    address,
    modSeq: String(modSeq),
    lastMailbox,
    lastUidValidity,
    lostUidValidity,
    maxBytes: maxBytes ?? null,
    maxMessages: maxMessages ?? null,
    subscriptions: await allSubscriptions(reader, account),
    mailboxes,
  }
}

async function backUpMailbox(
  parts: AccountBackupParts,
  account: AccountId,
  name: string,
  record: MailboxRecord,
  counters: MailboxCounters,
  old: BackupMailbox | undefined,
): Promise<BackupMailbox> {
  const metadata = await allMetadata(parts.reader, account, record.number)
  const head = {
    ...record,
    ...(metadata.length > 0 && {
      metadata: metadata.map((entry) => [entry.owner, entry.name, entry.value.toString('base64')] as const),
    }),
    name,
    uidValidity: counters.uidValidity,
    lastUid: counters.lastUid,
    highestModSeq: String(counters.highestModSeq),
    messages: counters.messages,
  }
  // Every change of a message raises HIGHESTMODSEQ: where it is the same, so is everything.
  const isSame = old?.uidValidity === head.uidValidity && old.highestModSeq === head.highestModSeq
  if (isSame && old.messages === head.messages) {
    parts.onMessages(head.messages)
    return { ...head, chunks: old.chunks }
  }
  const oldChunks = old?.uidValidity === head.uidValidity ? new Map(old.chunks) : new Map<number, string>()
  const chunks: (readonly [number, string])[] = []
  for await (const [chunk, messages] of chunksOf(parts, account, record.number)) {
    parts.signal?.throwIfAborted()
    const file = oldChunks.get(chunk)
    const known = file === undefined ? [] : await parts.records.read<BackupMessage>(file)
    const stored = await withDigests(parts, account, name, messages, new Map(known.map((one) => [one.uid, one])))
    chunks.push([chunk, await parts.records.write(stored)])
    parts.onMessages(stored.length)
  }
  return { ...head, chunks }
}

interface Row {
  readonly uid: number
  readonly state: StateRecord
  readonly copy: CopyRecord
}

/** The messages of a mailbox by chunks of UIDs: those with all they need. What has lost a record is for verify to name. */
async function* chunksOf(
  { reader, onMissing }: AccountBackupParts,
  account: AccountId,
  mailbox: number,
): AsyncIterable<readonly [chunk: number, rows: readonly Row[]]> {
  const keys = new MessageKeys('mail-copy', account, mailbox)
  let chunk = 0
  let rows: Row[] = []
  for await (const batch of reader.scan(new StatePageKeys(account, mailbox).range())) {
    for (let at = 0; at < batch.length; at += PAGES_AT_ONCE) {
      const states: (readonly [number, StateRecord])[] = []
      for (const [key, value] of batch.slice(at, at + PAGES_AT_ONCE)) {
        const page = StatePage.decode(StatePageKeys.pageOf(key), value)
        for (let row = 0; row < page.count; row++) states.push([page.uidAt(row), page.recordAt(row)])
      }
      const copies = await reader.getMany(states.map(([uid]) => keys.of(uid)))
      for (const [place, [uid, state]] of states.entries()) {
        const copy = copies[place]
        const next = Math.floor(uid / CHUNK_UIDS)
        if (next !== chunk && rows.length > 0) {
          yield [chunk, rows]
          rows = []
        }
        chunk = next
        if (copy === undefined)
          await onMissing({ account, mailbox: `m${mailbox}`, uid, text: 'it has lost its record' })
        else rows.push({ uid, state, copy: decodeCopy(copy) })
      }
    }
  }
  if (rows.length > 0) yield [chunk, rows]
}

/** A UID stands for the same bytes for ever: what an earlier point has of it need not be read again. */
async function withDigests(
  { copies, store, onMissing }: AccountBackupParts,
  account: AccountId,
  mailbox: string,
  rows: readonly Row[],
  known: ReadonlyMap<number, BackupMessage>,
): Promise<readonly BackupMessage[]> {
  const digestOf = ({ uid, copy }: Row) => {
    const one = known.get(uid)
    return one?.emailId === copy.emailId ? (one.sha256 ?? undefined) : undefined
  }
  const unknown = rows.filter((row) => digestOf(row) === undefined)
  const found = await copies.copy(unknown.map(({ copy, state }) => ({ blob: copy.blob, size: state.size })))
  const digests = new Map(unknown.map(({ uid }, at) => [uid, found[at] as string | Error]))
  const messages: BackupMessage[] = []
  for (const row of rows) {
    const { uid, state, copy } = row
    const digest = digestOf(row) ?? (digests.get(uid) as string | Error)
    if (digest instanceof Error) {
      store.log.warn({ account, mailbox, uid, err: digest }, 'a message could not be backed up')
      await onMissing({ account, mailbox, uid, text: digest.message })
    }
    messages.push({
      uid,
      sha256: digest instanceof Error ? null : digest,
      size: state.size,
      flags: flagList(state.bits, state.keywords),
      modSeq: String(state.modSeq),
      internalDate: state.internalDate,
      savedAt: copy.savedAt,
      emailId: copy.emailId,
    })
  }
  return messages
}
