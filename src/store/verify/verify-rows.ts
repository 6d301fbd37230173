import { codeOf } from '../../errors/mail-error.ts'
import { indexMessage } from '../../mail/index-message.ts'
import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { linkIn } from '../blob-links.ts'
import type { BlobRef } from '../blob-store.ts'
import type { Reader } from '../engine.ts'
import { allBlobLinks, blobLinkKey, MessageKeys, messageOwner, readBlobLink } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { type CopyRecord, decodeCopy, encodeNewCopy } from '../records/copy-record.ts'
import { decodeIndex, encodeIndex } from '../records/index-codec.ts'
import { mailboxId } from '../records/mailbox-record.ts'
import { type Damage, messageText } from './damage.ts'
import { decoded } from './decoded.ts'
import type { StoredRow } from './merged-rows.ts'
import { stateOf, writeState } from './page-states.ts'
import { readThrough } from './read-through.ts'
import { count, type VerifyContext } from './verify-context.ts'

export interface MailboxPlace {
  readonly account: AccountId
  readonly name: string
  readonly number: number
}

type RowDamage = Damage & { readonly changesCounts?: boolean }

/** Messages of one mailbox: all three records, the link to their bytes, and the bytes. */
export async function* verifyRows(
  context: VerifyContext,
  place: MailboxPlace,
  rows: readonly StoredRow[],
): AsyncIterable<RowDamage> {
  count(context, 'messages', rows.length)
  const withCopy: { uid: number; copy: CopyRecord; size: number | undefined }[] = []
  for (const row of rows) {
    const { uid } = row
    const state = row.state === 'unreadable' ? undefined : row.state
    const copy = decoded(row.copy, decodeCopy)
    const index = decoded(row.index, (bytes) => {
      const read = decodeIndex(bytes)
      // The part tree is decoded when it is asked for.
      return { size: read.size, root: read.root }
    })
    if (copy === undefined) {
      yield lostCopy(context, place, row)
      continue
    }
    if (state === undefined) yield lostState(context, place, row)
    if (index === undefined) yield lostIndex(context, place, row)
    else if (state !== undefined && state.size !== index.size)
      yield otherSize(context, place, uid, state.size, index.size)
    withCopy.push({ uid, copy, size: index?.size })
  }
  yield* verifyLinks(context, place, withCopy)
  if (context.blobs === false) return
  await readThrough(
    context,
    withCopy.map(({ copy, size }) => ({ blob: copy.blob, size: size ?? Infinity })),
  )
  for (const { uid, copy, size } of withCopy) {
    const found = context.read.get(copy.blob)
    if (found instanceof Error) yield* damagedBytes(context, place, uid, copy.blob, found, size)
    else if (found !== undefined && size !== undefined && found !== size)
      yield otherIndex(context, place, uid, size, found)
  }
}

async function* verifyLinks(
  { reader, store }: VerifyContext,
  { account, name, number }: MailboxPlace,
  all: readonly { uid: number; copy: CopyRecord }[],
): AsyncIterable<Damage> {
  // What a mirror has in its own files needs no link.
  const messages = all.filter(({ copy }) => !store.mirror?.holds(copy.blob))
  const keys = messages.map(({ uid, copy }) => blobLinkKey(copy.blob, messageOwner(account, number, uid)))
  const links = await reader.getMany(keys)
  for (const [at, { uid, copy }] of messages.entries()) {
    if (links[at] !== undefined) continue
    yield {
      kind: 'link-missing',
      account,
      mailbox: name,
      uid,
      text: `${messageText(uid, name)} does not hold its bytes: they could be cleared away while it is still there`,
      fix: () =>
        store.engine.transact([accountScope(account)], async (tx) => {
          const live = decoded(await tx.get(new MessageKeys('mail-copy', account, number).of(uid)), decodeCopy)
          const owner = messageOwner(account, number, uid)
          if (live?.blob !== copy.blob || (await tx.get(blobLinkKey(copy.blob, owner))) !== undefined) return undefined
          linkIn(tx, copy.blob, owner)
          return 'linked the bytes to it'
        }),
    }
  }
}

/** No record says where its bytes are: unless a link still tells, the message is lost, and what is left of it goes. */
function lostCopy(context: VerifyContext, place: MailboxPlace, row: StoredRow): RowDamage {
  const { account, name, number } = place
  const { uid } = row
  const what = row.copy === undefined ? 'missing' : 'unreadable'
  return {
    kind: 'copy-record',
    account,
    mailbox: name,
    uid,
    changesCounts: true,
    text: `the record of ${messageText(uid, name)} that leads to its bytes is ${what}: the message cannot be read`,
    fix: () =>
      changeMessage(context, place, uid, async (commit) => {
        const { tx } = commit
        const keys = keysOf(place)
        if (decoded(await tx.get(keys.copies.of(uid)), decodeCopy) !== undefined) return undefined
        const blob = await blobOfOwner(tx, messageOwner(account, number, uid))
        if (blob !== undefined) {
          const savedAt = (await stateOf(tx, account, number, uid))?.internalDate ?? commit.now
          tx.put(keys.copies.of(uid), encodeNewCopy(blob, blob, savedAt))
          return 'found its bytes by the link that holds them'
        }
        tx.delete(keys.copies.of(uid))
        await writeState(tx, account, number, uid, undefined)
        tx.delete(keys.indexes.of(uid))
        if (row.state !== undefined) commit.messagesChanged('expunged', number, commit.nextModSeq(), [uid])
        return 'removed what was left of it; a backup may have the message'
      }),
  }
}

/** Looks at every link: nothing but damage asks for this. */
async function blobOfOwner(reader: Reader, owner: string): Promise<BlobRef | undefined> {
  for await (const batch of reader.scan(allBlobLinks())) {
    for (const [at] of batch) {
      const link = readBlobLink(at)
      if (link.owner === owner) return link.blob
    }
  }
  return undefined
}

function lostState(context: VerifyContext, place: MailboxPlace, row: StoredRow): RowDamage {
  const { account, name, number } = place
  const { uid } = row
  return {
    kind: 'state-record',
    account,
    mailbox: name,
    uid,
    changesCounts: true,
    text: `the flags and the date of ${messageText(uid, name)} are ${row.state === undefined ? 'missing' : 'unreadable'}: clients do not see the message`,
    fix: () =>
      changeMessage(context, place, uid, async (commit) => {
        const { tx } = commit
        const keys = keysOf(place)
        const copy = decoded(await tx.get(keys.copies.of(uid)), decodeCopy)
        if (copy === undefined || (await stateOf(tx, account, number, uid)) !== undefined) return undefined
        const known = decoded(await tx.get(keys.indexes.of(uid)), decodeIndex)
        const { size } = known ?? { size: (await context.store.blobs.read(copy.blob)).length }
        const modSeq = commit.nextModSeq()
        const internalDate = copy.savedAt
        await writeState(tx, account, number, uid, { bits: 0, keywords: '', modSeq, internalDate, size })
        commit.messagesChanged('appended', number, modSeq, [uid])
        return 'brought the message back, unread and without flags, with the date it came into the mailbox'
      }),
  }
}

function lostIndex({ store }: VerifyContext, place: MailboxPlace, row: StoredRow): RowDamage {
  const { account, name } = place
  const { uid } = row
  return {
    kind: 'index-record',
    account,
    mailbox: name,
    uid,
    text: `the index of ${messageText(uid, name)} is ${row.index === undefined ? 'missing' : 'unreadable'}: clients cannot list or read it`,
    fix: () =>
      store.engine.transact([accountScope(account)], async (tx) => {
        const keys = keysOf(place)
        const copy = decoded(await tx.get(keys.copies.of(uid)), decodeCopy)
        if (copy === undefined) return undefined
        if (decoded(await tx.get(keys.indexes.of(uid)), (bytes) => decodeIndex(bytes).root) !== undefined)
          return undefined
        tx.put(keys.indexes.of(uid), encodeIndex(indexMessage(await store.blobs.read(copy.blob))))
        return 'made the index anew from its bytes'
      }),
  }
}

/** The index speaks of other bytes than there are. */
function otherIndex({ store }: VerifyContext, place: MailboxPlace, uid: number, size: number, real: number): RowDamage {
  const { account, name, number } = place
  return {
    kind: 'index-size',
    account,
    mailbox: name,
    uid,
    changesCounts: true,
    text: `the index of ${messageText(uid, name)} is of ${size} octets and its bytes are ${real}: clients show it cut off or garbled`,
    fix: () =>
      store.engine.transact([accountScope(account)], async (tx) => {
        const { copies, indexes } = keysOf(place)
        const copy = decoded(await tx.get(copies.of(uid)), decodeCopy)
        const state = await stateOf(tx, account, number, uid)
        const old = decoded(await tx.get(indexes.of(uid)), decodeIndex)
        if (copy === undefined || state === undefined || old?.size === real) return undefined
        const index = indexMessage(await store.blobs.read(copy.blob))
        tx.put(indexes.of(uid), encodeIndex(index))
        await writeState(tx, account, number, uid, { ...state, size: index.size })
        return 'made the index anew from its bytes'
      }),
  }
}

function otherSize(
  { store }: VerifyContext,
  place: MailboxPlace,
  uid: number,
  counted: number,
  size: number,
): RowDamage {
  const { account, name, number } = place
  return {
    kind: 'message-size',
    account,
    mailbox: name,
    uid,
    changesCounts: true,
    text: `${messageText(uid, name)} is said to have ${counted} octets and has ${size}: clients may cut it off`,
    fix: () =>
      store.engine.transact([accountScope(account)], async (tx) => {
        const { indexes } = keysOf(place)
        const state = await stateOf(tx, account, number, uid)
        const index = decoded(await tx.get(indexes.of(uid)), decodeIndex)
        if (state === undefined || index === undefined || state.size === index.size) return undefined
        await writeState(tx, account, number, uid, { ...state, size: index.size })
        return 'set the size right'
      }),
  }
}

/** Bytes that cannot be read or are not whole. Nothing brings them back but a backup: the message stays, and is named. */
async function* damagedBytes(
  { store, mail, moveDamagedTo }: VerifyContext,
  { account, name, number }: MailboxPlace,
  uid: number,
  blob: BlobRef,
  error: Error,
  size: number | undefined,
): AsyncIterable<Damage> {
  // Expunged while the check ran: its bytes may be gone by right.
  const copies = new MessageKeys('mail-copy', account, number)
  if (decoded(await store.engine.get(copies.of(uid)), decodeCopy)?.blob !== blob) return
  const code = codeOf(error)
  const what = code === 'NOT_FOUND' ? 'gone' : code === 'CORRUPT' ? 'damaged' : 'not to be read'
  const of = size === undefined ? '' : ` (${size} octets)`
  const isMoved = moveDamagedTo === undefined || moveDamagedTo === name
  yield {
    kind: code === 'NOT_FOUND' ? 'blob-missing' : code === 'CORRUPT' ? 'blob-damaged' : 'blob-unreadable',
    account,
    mailbox: name,
    uid,
    text: `the bytes of ${messageText(uid, name)}${of} are ${what}: it is listed, and who opens it gets an error. ${error.message}`,
    ...(!isMoved && {
      fix: async () => {
        const target = await mailboxNamed(mail, account, moveDamagedTo)
        const { uids } = await mail.move(account, mailboxId(number), [uid], target)
        return uids.length === 0 ? undefined : `moved it to ${moveDamagedTo}; its bytes are still damaged`
      },
    }),
  }
}

async function mailboxNamed(mail: VerifyContext['mail'], account: AccountId, name: string) {
  try {
    return (await mail.mailbox(account, name)).id
  } catch (error) {
    if (codeOf(error) !== 'MAILBOX_NOT_FOUND') throw error
    return (await mail.createMailbox(account, name)).id
  }
}

/** One change of one message that sessions are told of. */
function changeMessage(
  { store }: VerifyContext,
  { account, number }: MailboxPlace,
  uid: number,
  change: (commit: AccountCommit) => Promise<string | undefined>,
): Promise<string | undefined> {
  return commitAccount(store, account, [mailboxId(number)], async (commit) => {
    const counters = commit.change(number)
    const done = await change(commit)
    if (done === undefined) commit.leave()
    else if (uid > counters.lastUid) counters.lastUid = uid
    return done
  })
}

function keysOf({ account, number }: MailboxPlace) {
  return {
    copies: new MessageKeys('mail-copy', account, number),
    indexes: new MessageKeys('mail-index', account, number),
  }
}
