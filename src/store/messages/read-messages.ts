import type { Readable } from 'node:stream'
import { MailError } from '../../errors/mail-error.ts'
import type { MessageIndex } from '../../mail/message-index.ts'
import type { BlobRange, BlobRef } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import { countersKey, MessageKeys, StatePageKeys } from '../layout.ts'
import type { AccountId, MailboxId, MailboxStatus, MessageRecord, MessageState, StateColumns } from '../mail-store.ts'
import { pagesOf } from '../mailbox-pages.ts'
import { attend } from '../mirror/attend.ts'
import { blobIn, decodeCopy } from '../records/copy-record.ts'
import { decodeIndex } from '../records/index-codec.ts'
import { decodeCounters, type MailboxCounters } from '../records/mailbox-counters.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { StateColumnsBuilder } from '../records/state-columns.ts'
import { pageOf, StatePage } from '../records/state-page.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'
import { recordValues } from './record-values.ts'

/** Pages whose states are in memory at a time. */
const PAGES_AT_ONCE = 32

/** @throws MailError MAILBOX_NOT_FOUND */
export async function countersOf(reader: Reader, account: AccountId, mailbox: MailboxId): Promise<MailboxCounters> {
  const value = await reader.get(countersKey(account, mailboxNumber(mailbox)))
  if (value === undefined) throw new MailError('MAILBOX_NOT_FOUND', `account ${account} has no mailbox ${mailbox}`)
  return decodeCounters(value)
}

export async function statusOf(context: StoreContext, account: AccountId, mailbox: MailboxId): Promise<MailboxStatus> {
  await attend(context, account)
  const { lastUid, firstRecent, ...counters } = await countersOf(context.engine, account, mailbox)
  return { ...counters, uidNext: lastUid + 1 }
}

/** One scan, which sees one moment. */
export async function columns(context: StoreContext, account: AccountId, mailbox: MailboxId): Promise<StateColumns> {
  await attend(context, account)
  const { messages } = await countersOf(context.engine, account, mailbox)
  const keys = new StatePageKeys(account, mailboxNumber(mailbox))
  const builder = new StateColumnsBuilder(messages)
  for await (const batch of context.engine.scan(keys.range())) {
    for (const [at, value] of batch) StatePage.decode(StatePageKeys.pageOf(at), value).addTo(builder)
  }
  return builder.columns()
}

export async function* states(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
): AsyncIterable<readonly MessageState[]> {
  await attend(context, account)
  await countersOf(context.engine, account, mailbox)
  const keys = new StatePageKeys(account, mailboxNumber(mailbox))
  for await (const batch of context.engine.scan(keys.range())) {
    for (let from = 0; from < batch.length; from += PAGES_AT_ONCE) {
      yield batch.slice(from, from + PAGES_AT_ONCE).flatMap(([at, value]) => {
        const page = StatePage.decode(StatePageKeys.pageOf(at), value)
        return Array.from({ length: page.count }, (_, row) => page.stateAt(row))
      })
    }
  }
}

/** States of the UIDs that exist. @param uids ascending */
export async function statesOf(
  reader: Reader,
  account: AccountId,
  mailbox: number,
  uids: readonly number[],
): Promise<MessageState[]> {
  const keys = new StatePageKeys(account, mailbox)
  const numbers = pagesOf(uids)
  const values = await reader.getMany(numbers.map((number) => keys.of(number)))
  const found: MessageState[] = []
  let at = 0
  for (const [index, number] of numbers.entries()) {
    const value = values[index]
    const page = value === undefined ? undefined : StatePage.decode(number, value)
    for (; at < uids.length && pageOf(uids[at] as number) === number; at++) {
      const row = page?.find(uids[at] as number) ?? -1
      if (page !== undefined && row !== -1) found.push(page.stateAt(row))
    }
  }
  return found
}

export async function records(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly number[],
): Promise<readonly MessageRecord[]> {
  const wanted = ascending(uids)
  const number = mailboxNumber(mailbox)
  const copyKeys = new MessageKeys('mail-copy', account, number)
  const [states, copies] = await Promise.all([
    statesOf(context.engine, account, number, wanted),
    context.engine.getMany(wanted.map((uid) => copyKeys.of(uid))),
  ])
  const byUid = new Map(states.map((state) => [state.uid, state]))
  const found: MessageRecord[] = []
  wanted.forEach((uid, at) => {
    const state = byUid.get(uid)
    const copy = copies[at]
    if (state !== undefined && copy !== undefined) found.push({ ...state, ...decodeCopy(copy) })
  })
  return found
}

export async function* indexes(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly number[],
): AsyncIterable<readonly (readonly [uid: number, index: MessageIndex])[]> {
  const keys = new MessageKeys('mail-index', account, mailboxNumber(mailbox))
  for await (const batch of recordValues(context.engine, keys, uids)) {
    yield batch.map(([uid, value]) => [uid, decodeIndex(value)] as const)
  }
}

export async function blobs(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly number[],
): Promise<readonly (readonly [uid: number, blob: BlobRef])[]> {
  const keys = new MessageKeys('mail-copy', account, mailboxNumber(mailbox))
  const found: (readonly [number, BlobRef])[] = []
  for await (const batch of recordValues(context.engine, keys, ascending(uids))) {
    for (const [uid, value] of batch) found.push([uid, blobIn(value)])
  }
  return found
}

export async function read(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uid: number,
  range?: BlobRange,
): Promise<Buffer> {
  return context.blobs.read(await blobOf(context, account, mailbox, uid), range)
}

export async function stream(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uid: number,
  range?: BlobRange,
): Promise<Readable> {
  return context.blobs.stream(await blobOf(context, account, mailbox, uid), range)
}

async function blobOf(context: StoreContext, account: AccountId, mailbox: MailboxId, uid: number): Promise<BlobRef> {
  const number = mailboxNumber(mailbox)
  const isUid = ascending([uid]).length === 1
  const value = isUid ? await context.engine.get(new MessageKeys('mail-copy', account, number).of(uid)) : undefined
  if (value === undefined) throw new MailError('NOT_FOUND', `mailbox ${mailbox} of ${account} has no message ${uid}`)
  return blobIn(value)
}
