import type { BlobRef } from '../blob-store.ts'
import { MIRRORED } from '../convert/mirror-state.ts'
import type { Reader } from '../engine.ts'
import { prefixRange } from '../key.ts'
import {
  accountKey,
  allBlobLinks,
  countersKey,
  mirroredKey,
  readBlobLink,
  readMessageOwner,
  StatePageKeys,
} from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import { allRecords } from '../mailboxes/names.ts'
import { type JournalSize, measureJournal } from '../mirror/mirror-journal.ts'
import type { Watched } from '../progress.ts'
import { decodeAccount } from '../records/account-record.ts'
import { decodeCounters } from '../records/mailbox-counters.ts'
import { pageOf, StatePage } from '../records/state-page.ts'

type MessagePlace = NonNullable<ReturnType<typeof readMessageOwner>>

export interface AccountStats {
  readonly account: AccountId
  readonly mailboxes: number
  readonly messages: number
  readonly unseen: number
  /** Octets of its messages, each counted in full. */
  readonly bytes: number
  readonly maxBytes: number | null
}

export interface StoreStats {
  readonly accounts: readonly AccountStats[]
  readonly totals: { readonly mailboxes: number; readonly messages: number; readonly bytes: number }
  /** null when one account was asked for: its blobs may be shared with others. */
  readonly sharing: {
    /** Blobs that are stored, and what needs them: messages and entries of the queue. */
    readonly blobs: number
    readonly links: number
    /** Messages that share the blob of another one, and so take no room. */
    readonly shared: number
    /** Octets that this saves. */
    readonly sharedBytes: number
  } | null
  /** What is to be written to files that other programs read; null when there are none. */
  readonly waiting: JournalSize | null
  readonly queue: { readonly messages: number } | null
  readonly journeys: number | null
}

/** Counts from the counters, which every commit keeps right; blobs are counted by their links. */
export async function collectStats(
  reader: Reader,
  accounts: readonly AccountId[],
  { signal, onProgress }: Watched,
): Promise<StoreStats> {
  const list: AccountStats[] = []
  for (const [at, account] of accounts.entries()) {
    signal?.throwIfAborted()
    onProgress?.({ phase: 'accounts', done: at, total: accounts.length })
    const stats = await statsOf(reader, account)
    if (stats !== undefined) list.push(stats)
  }
  list.sort((a, b) => b.bytes - a.bytes)
  const sum = (of: (stats: AccountStats) => number) => list.reduce((total, one) => total + of(one), 0)
  const totals = {
    mailboxes: sum((one) => one.mailboxes),
    messages: sum((one) => one.messages),
    bytes: sum((one) => one.bytes),
  }
  const isMirrored = (await reader.get(mirroredKey()))?.toString() === MIRRORED
  const waiting = isMirrored ? await measureJournal(reader, accounts.length === 1 ? accounts[0] : undefined) : null
  if (accounts.length === 1) return { accounts: list, totals, sharing: null, waiting, queue: null, journeys: null }
  const sharing = await countLinks(reader, { signal, onProgress })
  return {
    accounts: list,
    totals,
    sharing,
    waiting,
    queue: { messages: await countKeys(reader, 'queue', 'message') },
    journeys: await countKeys(reader, 'journey'),
  }
}

async function statsOf(reader: Reader, account: AccountId): Promise<AccountStats | undefined> {
  const value = await reader.get(accountKey(account))
  if (value === undefined) return undefined
  const { isLive, maxBytes } = decodeAccount(value)
  if (!isLive) return undefined
  const mailboxes = [...(await allRecords(reader, account)).values()]
  const counters = await reader.getMany(mailboxes.map(({ number }) => countersKey(account, number)))
  let messages = 0
  let unseen = 0
  let bytes = 0
  for (const one of counters) {
    if (one === undefined) continue
    const decoded = decodeCounters(one)
    messages += decoded.messages
    unseen += decoded.unseen
    bytes += decoded.size
  }
  return { account, mailboxes: mailboxes.length, messages, unseen, bytes, maxBytes: maxBytes ?? null }
}

async function countLinks(reader: Reader, { signal, onProgress }: Watched) {
  let links = 0
  let blobs = 0
  let shared = 0
  let sharedBytes = 0
  let last: BlobRef | undefined
  let ofLast = 0
  for await (const batch of reader.scan(allBlobLinks())) {
    signal?.throwIfAborted()
    onProgress?.({ phase: 'links to bytes', done: links })
    const again: MessagePlace[] = []
    for (const [at] of batch) {
      const { blob, owner } = readBlobLink(at)
      links += 1
      if (blob !== last) {
        blobs += 1
        ofLast = 0
        last = blob
      }
      const message = readMessageOwner(owner)
      if (message === undefined) continue
      if (ofLast > 0) again.push(message)
      ofLast += 1
    }
    shared += again.length
    sharedBytes += await sizeOf(reader, again)
  }
  return { blobs, links, shared, sharedBytes }
}

async function sizeOf(reader: Reader, messages: readonly MessagePlace[]): Promise<number> {
  const keys = messages.map(({ account, mailbox, uid }) => new StatePageKeys(account, mailbox).of(pageOf(uid)))
  const pages = await reader.getMany(keys)
  return messages.reduce((size, { uid }, at) => {
    const bytes = pages[at]
    const page = bytes === undefined ? undefined : StatePage.decode(pageOf(uid), bytes)
    const row = page?.find(uid) ?? -1
    return row === -1 ? size : size + (page?.recordAt(row).size ?? 0)
  }, 0)
}

async function countKeys(reader: Reader, ...parts: readonly string[]): Promise<number> {
  let keys = 0
  for await (const batch of reader.scan(prefixRange(...parts))) keys += batch.length
  return keys
}
