import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MessageIndex } from 'mailserver'
import { baseSubject } from '../search/base-subject.ts'
import { casemap } from '../search/casemap.ts'
import type { Session } from '../session.ts'
import type { ThreadMessage } from './message-tree.ts'

const BATCH = 1000

/**
 * What threading needs of these messages, from their indexes.
 * @param isUid they are told by UID
 * @param onProgress told now and then how many messages are behind
 */
export async function threadMessages(
  session: Session,
  positions: readonly number[],
  isUid: boolean,
  onProgress: (done: number) => void,
): Promise<ThreadMessage[]> {
  const { selected: view, signal } = session
  const messages: ThreadMessage[] = []
  for (let from = 0; from < positions.length; from += BATCH) {
    signal.throwIfAborted()
    onProgress(from)
    const uids = positions.slice(from, from + BATCH).map((position) => view.uidAt(position))
    for await (const batch of view.mirror.indexes.of(uids)) {
      for (const [uid, index] of batch) {
        const position = view.positionOf(uid)
        const row = view.rowAt(position)
        if (row === -1) continue
        const arrivedAt = view.mirror.columns.dateAt(row)
        messages.push(threadMessage(index, isUid ? uid : position + 1, arrivedAt))
      }
    }
    await nextTurn()
  }
  return messages
}

function threadMessage(index: MessageIndex, number: number, arrivedAt: number): ThreadMessage {
  const { text, isReply } = baseSubject(index.subject ?? '')
  // RFC 5256 section 3: In-Reply-To counts where there are no References, and of it the first identifier.
  const references = index.references?.length ? index.references : (index.inReplyTo?.slice(0, 1) ?? [])
  return {
    number,
    sentAt: index.sentAt ?? arrivedAt,
    baseSubject: casemap(text),
    isReply,
    messageId: index.messageId,
    references: references.filter((id) => id !== index.messageId),
  }
}
