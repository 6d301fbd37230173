import { commitAccount } from '../account-commit.ts'
import { linkIn, relinkIn } from '../blob-links.ts'
import type { BlobRef } from '../blob-store.ts'
import { MessageKeys, messageOwner } from '../layout.ts'
import type { AccountId, Mailbox, MailStore, MessageRecord } from '../mail-store.ts'
import { decodeCopy, encodeCopy } from '../records/copy-record.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { convertedOwner } from './converted-links.ts'

/** Messages that are moved with one commit. */
const BATCH = 100

interface AccountMove {
  readonly context: StoreContext
  /** Reads without asking the mirror. */
  readonly store: MailStore
  readonly account: AccountId
  readonly signal?: AbortSignal | undefined
  readonly onMoved: (count: number) => void
}

type Move = (move: AccountMove, mailbox: Mailbox, records: readonly MessageRecord[]) => Promise<void>

/**
 * Every message's bytes go into the mirror; nothing else of it changes. A commit names what the mirror has to write, so
 * whenever this ends it goes on where it was, and no message is there twice.
 */
export const moveIntoMirror = (move: AccountMove): Promise<void> => moveAll(move, false, moveIn)

/** Every message's bytes come out of the mirror, which keeps its own. */
export const moveOutOfMirror = (move: AccountMove): Promise<void> => moveAll(move, true, moveOut)

async function moveAll(move: AccountMove, isFromMirror: boolean, work: Move): Promise<void> {
  const { context, store, account, signal, onMoved } = move
  for (const mailbox of await store.mailboxes(account)) {
    for await (const states of store.states(account, mailbox.id)) {
      for (let at = 0; at < states.length; at += BATCH) {
        signal?.throwIfAborted()
        const part = states.slice(at, at + BATCH)
        const records = await store.records(
          account,
          mailbox.id,
          part.map(({ uid }) => uid),
        )
        const due = records.filter(({ blob }) => context.mirror?.holds(blob) === isFromMirror)
        if (due.length > 0) await work(move, mailbox, due)
        onMoved(part.length)
      }
    }
  }
}

async function moveIn({ context, account }: AccountMove, { id }: Mailbox, records: readonly MessageRecord[]) {
  const number = mailboxNumber(id)
  const copies = new MessageKeys('mail-copy', account, number)
  await commitAccount(context, account, [id], async (commit) => {
    const { tx } = commit
    const values = await tx.getMany(records.map(({ uid }) => copies.of(uid)))
    for (const [at, record] of records.entries()) {
      const { uid, blob } = record
      const value = values[at]
      if (value === undefined) continue
      const ref = commit.keep(number, uid, blob, record)
      relinkIn(tx, blob, messageOwner(account, number, uid), convertedOwner(account, number, uid))
      tx.put(copies.of(uid), encodeCopy({ ...decodeCopy(value), blob: ref }))
    }
  })
}

async function moveOut({ context, account, signal }: AccountMove, { id }: Mailbox, records: readonly MessageRecord[]) {
  const { blobs } = context
  const number = mailboxNumber(id)
  const copies = new MessageKeys('mail-copy', account, number)
  const moved: [MessageRecord, BlobRef][] = []
  for (const record of records) {
    const writer = await blobs.writer()
    try {
      for await (const chunk of blobs.stream(record.blob)) await writer.write(chunk as Buffer)
      const blob = await writer.finish()
      await blobs.durable(blob)
      moved.push([record, blob])
    } catch (error) {
      await writer.abort()
      throw error
    }
    signal?.throwIfAborted()
  }
  await commitAccount(context, account, [id], async (commit) => {
    const { tx } = commit
    for (const [{ uid, blob: from }, blob] of moved) {
      const value = await tx.get(copies.of(uid))
      if (value === undefined || decodeCopy(value).blob !== from) continue
      tx.put(copies.of(uid), encodeCopy({ ...decodeCopy(value), blob }))
      linkIn(tx, blob, messageOwner(account, number, uid))
    }
    commit.leave()
  })
}
