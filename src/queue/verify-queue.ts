import { codeOf } from '../errors/mail-error.ts'
import { formatAddress } from '../mail/address.ts'
import { linkIn, unlinkIn } from '../store/blob-links.ts'
import type { Reader, Transaction } from '../store/engine.ts'
import { KeyReader, key, prefixRange } from '../store/key.ts'
import { blobLinkKey } from '../store/layout.ts'
import type { Damage, Damages } from '../store/verify/damage.ts'
import { decoded } from '../store/verify/decoded.ts'
import { readThrough } from '../store/verify/read-through.ts'
import { count, type VerifyContext } from '../store/verify/verify-context.ts'
import type { RoomCheck } from '../store/verify/verify-store.ts'
import {
  allClaims,
  allDue,
  allRecipients,
  blobOwner,
  claimKey,
  DUE_TOPIC,
  decodeMessage,
  decodeRecipient,
  destinationOf,
  dueKey,
  encode,
  messageKey,
  messageScope,
  NOTHING,
  readClaim,
  readDueKey,
  recipientKey,
  recipientsOf,
  type StoredMessage,
  type StoredRecipient,
} from './layout.ts'
import { type MessageId, senderText } from './queue.ts'

/** The queue against its indexes and its blobs. */
export const queueCheck: RoomCheck = {
  damages: verifyQueue,
  async owners(reader, links) {
    const ids = links.map(({ owner }) => (owner.startsWith('queue:') ? (owner.slice(6) as MessageId) : undefined))
    const values = await reader.getMany(ids.map((id) => messageKey(id ?? ('' as MessageId))))
    return links.map(({ blob }, at) =>
      ids[at] === undefined ? undefined : decoded(values[at], decodeMessage)?.blob === blob,
    )
  },
}

async function* verifyQueue(context: VerifyContext): Damages {
  yield* verifyMessages(context)
  yield* verifyRecipients(context)
  yield* verifyIndex(context)
}

async function* verifyMessages(context: VerifyContext): Damages {
  const { reader, store, blobs = true } = context
  for await (const batch of reader.scan(prefixRange('queue', 'message'))) {
    context.signal?.throwIfAborted()
    count(context, 'queued', batch.length)
    const ids = batch.map(([at]) => idIn(at))
    const messages = batch.map(([, value]) => soundMessage(value))
    const links = await reader.getMany(
      messages.map((message, at) => blobLinkKey(message?.blob ?? ('' as never), blobOwner(ids[at] as MessageId))),
    )
    if (blobs)
      await readThrough(
        context,
        messages.flatMap((one) => (one === undefined ? [] : { blob: one.blob, size: (one.offset ?? 0) + one.size })),
      )
    for (const [at, id] of ids.entries()) {
      const message = messages[at]
      if (message === undefined) {
        yield {
          kind: 'queue-message',
          text: `the queued message ${id} is unreadable: it is never sent, and nobody is told`,
          fix: () => dropMessage(context, id),
        }
        continue
      }
      const from = `the queued message ${id} of ${senderText(message.envelope.sender)}`
      if (!(await hasRecipients(reader, id))) {
        yield {
          kind: 'queue-empty',
          text: `${from} has no recipients left: it holds room for nothing`,
          fix: () => dropMessage(context, id),
        }
      }
      if (links[at] === undefined) {
        yield {
          kind: 'queue-link',
          text: `${from} does not hold its bytes: they could be cleared away before it is sent`,
          fix: () =>
            store.engine.transact([messageScope(id)], async (tx) => {
              const live = decoded(await tx.get(messageKey(id)), decodeMessage)
              if (live === undefined || (await tx.get(blobLinkKey(live.blob, blobOwner(id)))) !== undefined)
                return undefined
              linkIn(tx, live.blob, blobOwner(id))
              return 'linked the bytes to it'
            }),
        }
      }
      const found = context.read.get(message.blob)
      // Sent while the check ran: its bytes may be gone by right.
      if (found === undefined || (await store.engine.get(messageKey(id))) === undefined) continue
      const isShort = typeof found === 'number' && found < (message.offset ?? 0) + message.size
      if (!(found instanceof Error) && !isShort) continue
      const code = found instanceof Error ? codeOf(found) : 'CORRUPT'
      yield {
        kind: code === 'NOT_FOUND' ? 'queue-blob-missing' : 'queue-blob-damaged',
        text: `the bytes of ${from} are ${code === 'NOT_FOUND' ? 'gone' : 'damaged'}: it cannot be sent. Its sender is told when its time is over, or at once with: mailserver queue bounce --id ${id}`,
      }
    }
  }
}

async function* verifyRecipients(context: VerifyContext): Damages {
  const { reader, store } = context
  for await (const batch of reader.scan(allRecipients())) {
    context.signal?.throwIfAborted()
    const places = batch.map(([at]) => placeIn(at))
    const stored = batch.map(([, value]) => soundRecipient(value))
    const messages = await reader.getMany(places.map(({ id }) => messageKey(id)))
    const indexes = await reader.getMany(stored.map((one) => (one && indexKeyOf(one)) ?? key('')))
    for (const [at, { id, index }] of places.entries()) {
      const one = stored[at]
      const name = `${id}/${index}`
      const fix = () => restoreEntry(context, id, index)
      if (messages[at] === undefined) {
        yield {
          kind: 'queue-recipient-orphan',
          text: `the entry ${name}${one === undefined ? '' : ` for ${formatAddress(one.recipient.address)}`} has lost its message: nothing can be sent`,
          fix: () =>
            store.engine.transact([messageScope(id)], async (tx) => {
              if ((await tx.get(messageKey(id))) !== undefined) return undefined
              const value = await tx.get(recipientKey(id, index))
              if (value === undefined) return undefined
              dropEntry(tx, id, index, soundRecipient(value))
              return 'removed the entry'
            }),
        }
      } else if (one === undefined) {
        yield {
          kind: 'queue-recipient',
          text: `the entry ${name} is unreadable: nothing says whom the message is for`,
          fix: () =>
            store.engine.transact([messageScope(id)], async (tx) => {
              const value = await tx.get(recipientKey(id, index))
              if (value === undefined || soundRecipient(value) !== undefined) return undefined
              tx.delete(recipientKey(id, index))
              return 'removed the entry; its sender is not told'
            }),
        }
      } else if (indexes[at] === undefined && one.state === 'waiting') {
        yield {
          kind: 'queue-due',
          text: `the entry ${name} for ${formatAddress(one.recipient.address)} waits and is in no list of what is due: it is never tried again`,
          fix,
        }
      } else if (indexes[at] === undefined && one.state === 'delivering') {
        yield {
          kind: 'queue-claim',
          text: `the entry ${name} for ${formatAddress(one.recipient.address)} is being delivered by nobody: it is never tried again`,
          fix,
        }
      }
    }
  }
}

/** Keys of the due index and of claims that lead to nothing, or to an entry that is elsewhere. */
async function* verifyIndex({ reader, store, signal }: VerifyContext): Damages {
  for await (const batch of reader.scan(allDue())) {
    signal?.throwIfAborted()
    const entries = batch.map(([at]) => readDueKey(at))
    const values = await reader.getMany(entries.map(({ id, index }) => recipientKey(id, index)))
    for (const [at, { id, index }] of entries.entries()) {
      const [due] = batch[at] as readonly [Buffer, Buffer]
      const one = soundRecipient(values[at])
      if (one !== undefined && indexKeyOf(one)?.equals(due)) continue
      yield staleIndex('queue-due-stale', id, index, due, store.engine)
    }
  }
  for await (const batch of reader.scan(allClaims())) {
    const claims = batch.map(readClaim)
    const values = await reader.getMany(claims.map(({ id, index }) => recipientKey(id, index)))
    for (const [at, { id, index }] of claims.entries()) {
      const [claim] = batch[at] as readonly [Buffer, Buffer]
      const one = soundRecipient(values[at])
      if (one !== undefined && indexKeyOf(one)?.equals(claim)) continue
      yield staleIndex('queue-claim-stale', id, index, claim, store.engine)
    }
  }
}

function staleIndex(
  kind: string,
  id: MessageId,
  index: number,
  at: Buffer,
  engine: VerifyContext['store']['engine'],
): Damage {
  return {
    kind,
    text: `a list of what is due or in delivery names the entry ${id}/${index}, which is not there or elsewhere`,
    fix: () =>
      engine.transact([messageScope(id)], async (tx) => {
        const [listed, value] = await tx.getMany([at, recipientKey(id, index)])
        const one = soundRecipient(value)
        if (listed === undefined || (one !== undefined && indexKeyOf(one)?.equals(at))) return undefined
        tx.delete(at)
        return 'took it off the list'
      }),
  }
}

/** Puts an entry that nothing leads to back among what waits; it is due at once. */
function restoreEntry({ store }: VerifyContext, id: MessageId, index: number): Promise<string | undefined> {
  return store.engine.transact([messageScope(id)], async (tx) => {
    const one = soundRecipient(await tx.get(recipientKey(id, index)))
    const at = one && indexKeyOf(one)
    if (one === undefined || at === undefined || (await tx.get(at)) !== undefined) return undefined
    const { owner: _, mark: __, ...rest } = one
    const dueAt = one.state === 'waiting' ? one.dueAt : store.clock.now()
    const next: StoredRecipient = { ...rest, state: 'waiting', dueAt }
    tx.put(recipientKey(id, index), encode(next))
    tx.put(dueKey(destinationOf(next), dueAt, id, index), NOTHING)
    tx.afterCommit(() => store.engine.publish(DUE_TOPIC, `${dueAt} ${destinationOf(next)}`))
    return 'put it among what waits again'
  })
}

function dropMessage({ store }: VerifyContext, id: MessageId): Promise<string | undefined> {
  return store.engine.transact([messageScope(id)], async (tx) => {
    const value = await tx.get(messageKey(id))
    if (value === undefined) return undefined
    const message = soundMessage(value)
    if (message !== undefined && (await hasRecipients(tx, id))) return undefined
    for await (const batch of tx.scan(recipientsOf(id))) {
      for (const [at, bytes] of batch) dropEntry(tx, id, placeIn(at).index, soundRecipient(bytes))
    }
    tx.delete(messageKey(id))
    if (message !== undefined) unlinkIn(tx, message.blob, blobOwner(id), store.clock.now())
    return 'removed it'
  })
}

function dropEntry(tx: Transaction, id: MessageId, index: number, one: StoredRecipient | undefined): void {
  tx.delete(recipientKey(id, index))
  const at = one && indexKeyOf(one)
  if (at !== undefined) tx.delete(at)
}

function indexKeyOf(one: StoredRecipient): Buffer | undefined {
  if (one.state === 'waiting') return dueKey(destinationOf(one), one.dueAt, one.message, one.index)
  if (one.state === 'delivering') return claimKey(one.owner ?? '', one.message, one.index)
  return undefined
}

async function hasRecipients(reader: Reader, id: MessageId): Promise<boolean> {
  for await (const batch of reader.scan({ ...recipientsOf(id), limit: 1 })) if (batch.length > 0) return true
  return false
}

function soundMessage(value: Buffer | undefined): StoredMessage | undefined {
  const message = decoded(value, decodeMessage)
  return typeof message?.id === 'string' && typeof message.blob === 'string' ? message : undefined
}

function soundRecipient(value: Buffer | undefined): StoredRecipient | undefined {
  const one = decoded(value, decodeRecipient)
  return typeof one?.recipient?.address?.domain === 'string' && Number.isFinite(one.dueAt) ? one : undefined
}

const idIn = (at: Buffer): MessageId => placeIn(at).id

function placeIn(at: Buffer): { readonly id: MessageId; readonly index: number } {
  const parts = new KeyReader(at)
  parts.text()
  const space = parts.text()
  const id = parts.text() as MessageId
  return { id, index: space === 'recipient' ? parts.u32() : 0 }
}
