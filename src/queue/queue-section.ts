import type { BackupSection, StoredSectionRecord } from '../store/backup/section.ts'
import { linkIn } from '../store/blob-links.ts'
import type { BlobRef } from '../store/blob-store.ts'
import type { Engine } from '../store/engine.ts'
import { KeyReader, prefixRange } from '../store/key.ts'
import {
  blobOwner,
  DUE_TOPIC,
  decodeMessage,
  decodeRecipient,
  destinationOf,
  dueKey,
  encode,
  messageKey,
  messageScope,
  NOTHING,
  recipientKey,
  recipientsOf,
  type StoredMessage,
  type StoredRecipient,
} from './layout.ts'
import type { MessageId } from './queue.ts'

interface Kept {
  readonly message: StoredMessage
  readonly recipients: readonly StoredRecipient[]
}

/** Messages on their way to other servers, each with the recipients that it still has. */
export const queueSection: BackupSection = {
  name: 'queue',
  async *read(reader, only) {
    if (only !== undefined) return
    for await (const batch of reader.scan(prefixRange('queue', 'message'))) {
      for (const [at, value] of batch) {
        const message = decodeMessage(value)
        const recipients: StoredRecipient[] = []
        for await (const entries of reader.scan(recipientsOf(idIn(at)))) {
          for (const [, entry] of entries) recipients.push(decodeRecipient(entry))
        }
        const size = (message.offset ?? 0) + message.size
        if (recipients.length > 0)
          yield { record: { message, recipients } satisfies Kept, blob: { blob: message.blob, size } }
      }
    }
  },
}

/**
 * Puts messages of a backup into the queue again; those that are there stay as they are.
 * @param isHeld they wait until an operator releases them
 * @returns how many messages came back
 */
export async function restoreQueue(
  engine: Engine,
  records: readonly StoredSectionRecord[],
  isHeld: boolean,
  bring: (sha256: string) => Promise<BlobRef>,
): Promise<number> {
  let restored = 0
  for (const { record, sha256 } of records) {
    const { message, recipients } = record as Kept
    if (typeof sha256 !== 'string' || (await engine.get(messageKey(message.id))) !== undefined) continue
    const blob = await bring(sha256)
    await engine.transact([messageScope(message.id)], async (tx) => {
      tx.put(messageKey(message.id), encode({ ...message, blob }))
      linkIn(tx, blob, blobOwner(message.id))
      for (const { owner: _, mark: __, ...recipient } of recipients) {
        const state = isHeld || recipient.state === 'held' ? 'held' : 'waiting'
        tx.put(recipientKey(message.id, recipient.index), encode({ ...recipient, state }))
        if (state === 'held') continue
        tx.put(dueKey(destinationOf(recipient), recipient.dueAt, message.id, recipient.index), NOTHING)
        tx.afterCommit(() => engine.publish(DUE_TOPIC, `${recipient.dueAt} ${destinationOf(recipient)}`))
      }
    })
    restored += 1
  }
  return restored
}

function idIn(at: Buffer): MessageId {
  const parts = new KeyReader(at)
  parts.text()
  parts.text()
  return parts.text() as MessageId
}
