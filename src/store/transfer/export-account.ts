import { mkdir } from 'node:fs/promises'
import { MailError } from '../../errors/mail-error.ts'
import { namesIn } from '../backup/whole-files.ts'
import { holdBlobs } from '../blob-hold.ts'
import type { BlobRef, BlobStore } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import { countersKey, MessageKeys, StatePageKeys } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import { allRecords, allSubscriptions } from '../mailboxes/names.ts'
import type { Watched } from '../progress.ts'
import { decodeCopy } from '../records/copy-record.ts'
import { flagList } from '../records/flags.ts'
import { decodeIndex } from '../records/index-codec.ts'
import { decodeCounters } from '../records/mailbox-counters.ts'
import type { MailboxRecord } from '../records/mailbox-record.ts'
import { StatePage, type StateRecord } from '../records/state-page.ts'
import type { StoreContext } from '../store-context.ts'
import { withSnapshot } from '../with-snapshot.ts'
import type { MailboxWriter, OutgoingMailbox, TransferFormat } from './transfer-message.ts'
import { emlWriter } from './write-eml.ts'
import { maildirWriter, writeSubscriptions } from './write-maildir.ts'
import { mboxWriter } from './write-mbox.ts'

export interface ExportOptions extends Watched {
  readonly format: TransferFormat
  /** Names of mailboxes; all when left out. */
  readonly mailboxes?: readonly string[] | undefined
  /** Told of messages whose bytes cannot be read: they are left out. */
  readonly onLost: (lost: { mailbox: string; uid: number; text: string }) => Promise<void> | void
}

export interface Exported {
  readonly mailboxes: number
  readonly messages: number
  readonly bytes: number
  readonly lost: number
}

const WRITERS = { mbox: mboxWriter, maildir: maildirWriter, eml: emlWriter } as const

/** A blob up to this size is read with others. */
const MAX_WHOLE_BYTES = 1024 * 1024
const AT_ONCE = 256

/**
 * Writes the mail of an account, as it is at one moment, into an empty directory.
 * @throws MailError INVALID when there is something in it, MAILBOX_NOT_FOUND
 */
export async function exportAccount(
  store: StoreContext,
  account: AccountId,
  path: string,
  options: ExportOptions,
): Promise<Exported> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if ((await namesIn(path)).length > 0) throw new MailError('INVALID', `${path} is not empty`)
  const release = await holdBlobs(store.engine, store.clock)
  try {
    return await withSnapshot(store.engine, (reader) => exportFrom(store, reader, account, path, options))
  } finally {
    await release()
  }
}

async function exportFrom(
  store: StoreContext,
  reader: Reader,
  account: AccountId,
  path: string,
  options: ExportOptions,
): Promise<Exported> {
  const records = await allRecords(reader, account)
  const subscribed = new Set(await allSubscriptions(reader, account))
  for (const name of options.mailboxes ?? []) {
    if (!records.has(name)) throw new MailError('MAILBOX_NOT_FOUND', `there is no mailbox ${JSON.stringify(name)}`)
  }
  const names = [...records].filter(([name]) => options.mailboxes?.includes(name) ?? true)
  const counters = await reader.getMany(names.map(([, { number }]) => countersKey(account, number)))
  const total = counters.reduce((sum, value) => sum + (value === undefined ? 0 : decodeCounters(value).messages), 0)
  const sum = { mailboxes: 0, messages: 0, bytes: 0, lost: 0 }
  for (const [at, [name, record]] of names.entries()) {
    const value = counters[at]
    if (value === undefined) continue
    const mailbox: OutgoingMailbox = {
      name,
      uidValidity: record.uidValidity,
      uidNext: decodeCounters(value).lastUid + 1,
      keywords: await keywordsOf(reader, account, record),
      subscribed: subscribed.has(name),
    }
    const writer = await WRITERS[options.format](path, mailbox)
    for await (const rows of rowsOf(reader, account, record)) {
      options.signal?.throwIfAborted()
      await writeRows(store.blobs, writer, name, rows, options, sum)
      options.onProgress?.({ phase: `messages, ${name}`, done: sum.messages, total })
    }
    await writer.finish()
    sum.mailboxes += 1
  }
  if (options.format === 'maildir') await writeSubscriptions(path, [...subscribed])
  return sum
}

interface Row {
  readonly uid: number
  readonly state: StateRecord
  readonly blob: BlobRef
  readonly headerBytes: number
}

async function* pagesOf(reader: Reader, account: AccountId, { number }: MailboxRecord): AsyncGenerator<StatePage> {
  for await (const batch of reader.scan(new StatePageKeys(account, number).range())) {
    for (const [at, value] of batch) yield StatePage.decode(StatePageKeys.pageOf(at), value)
  }
}

/** Some formats name the keywords of all messages before the first. */
async function keywordsOf(reader: Reader, account: AccountId, record: MailboxRecord): Promise<readonly string[]> {
  const found = new Map<string, string>()
  for await (const page of pagesOf(reader, account, record)) {
    for (let row = 0; row < page.count; row++) {
      for (const keyword of page.keywordsAt(row).split(' ')) {
        if (keyword !== '') found.set(keyword.toLowerCase(), keyword)
      }
    }
  }
  return [...found.values()]
}

async function* rowsOf(reader: Reader, account: AccountId, record: MailboxRecord): AsyncGenerator<readonly Row[]> {
  const copies = new MessageKeys('mail-copy', account, record.number)
  const indexes = new MessageKeys('mail-index', account, record.number)
  let waiting: { uid: number; state: StateRecord }[] = []
  const read = async () => {
    const [copy, index] = await Promise.all([
      reader.getMany(waiting.map(({ uid }) => copies.of(uid))),
      reader.getMany(waiting.map(({ uid }) => indexes.of(uid))),
    ])
    const rows = waiting.flatMap(({ uid, state }, at) => {
      const bytes = copy[at]
      if (bytes === undefined) return []
      const headerBytes = index[at] === undefined ? 0 : decodeIndex(index[at]).root.bodyStart
      return { uid, state, blob: decodeCopy(bytes).blob, headerBytes }
    })
    waiting = []
    return rows
  }
  for await (const page of pagesOf(reader, account, record)) {
    for (let row = 0; row < page.count; row++) waiting.push({ uid: page.uidAt(row), state: page.recordAt(row) })
    if (waiting.length >= AT_ONCE) yield await read()
  }
  if (waiting.length > 0) yield await read()
}

async function writeRows(
  blobs: BlobStore,
  writer: MailboxWriter,
  mailbox: string,
  rows: readonly Row[],
  { signal, onLost }: ExportOptions,
  sum: { messages: number; bytes: number; lost: number },
): Promise<void> {
  const write = async ({ uid, state, headerBytes }: Row, octets: AsyncIterable<Buffer>) => {
    const { bits, keywords, internalDate, size } = state
    await writer.write({ uid, flags: flagList(bits, keywords), internalDate, size, headerBytes, octets })
    sum.messages += 1
    sum.bytes += size
  }
  const lose = async ({ uid }: Row, error: unknown) => {
    if (!(error instanceof MailError)) throw error
    sum.lost += 1
    await onLost({ mailbox, uid, text: error.message })
  }
  for (let at = 0; at < rows.length; ) {
    signal?.throwIfAborted()
    const row = rows[at] as Row
    if (row.state.size > MAX_WHOLE_BYTES) {
      // Read through first: a file must not end in the middle of a message that turns out damaged.
      try {
        for await (const _ of blobs.stream(row.blob));
        await write(row, blobs.stream(row.blob))
      } catch (error) {
        await lose(row, error)
      }
      at += 1
      continue
    }
    const end = rows.findIndex(({ state }, place) => place > at && state.size > MAX_WHOLE_BYTES)
    const part = rows.slice(at, end === -1 ? undefined : end)
    let done = 0
    let error: unknown
    try {
      for await (const batch of blobs.readMany(part.map(({ blob }) => blob))) {
        for (const [, bytes] of batch) {
          await write(part[done] as Row, one(Buffer.from(bytes)))
          done += 1
        }
      }
    } catch (cause) {
      error = cause
    }
    at += done
    if (error !== undefined) {
      await lose(rows[at] as Row, error)
      at += 1
    }
  }
}

async function* one(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes
}
