import { type BlobRange, type BlobRef, type BlobStore, codeOf } from 'mailserver'

const FEW = 3

/**
 * The octets of messages in the order given, in batches, read ahead of their turn; those that are gone are left out.
 * @param onDamaged told of those whose octets are damaged: they are left out as well
 * @param rangeOf what of each is read; all of it when absent
 * @throws MailError UNAVAILABLE
 */
export async function* readMessages(
  blobs: BlobStore,
  messages: readonly (readonly [uid: number, blob: BlobRef])[],
  onDamaged: (uid: number) => void,
  rangeOf?: (uid: number) => BlobRange,
): AsyncGenerator<readonly (readonly [uid: number, octets: Buffer])[]> {
  let at = 0
  // Below a few the way over a plan costs more than it saves.
  for (; messages.length <= FEW && at < messages.length; at++) {
    const [uid, blob] = messages[at] as (typeof messages)[number]
    const octets = await blobs.read(blob, rangeOf?.(uid)).catch((cause) => leaveOut(cause, uid, onDamaged))
    if (octets !== undefined) yield [[uid, octets]]
  }
  while (at < messages.length) {
    try {
      const left = messages.slice(at)
      const batches =
        rangeOf === undefined
          ? blobs.readMany(left.map(([, blob]) => blob))
          : blobs.readRanges(left.map(([uid, ref]) => ({ ref, range: rangeOf(uid) })))
      for await (const batch of batches) {
        const first = at
        at += batch.length
        yield batch.map(([, octets], place) => [(messages[first + place] as (typeof messages)[number])[0], octets])
      }
      return
    } catch (cause) {
      leaveOut(cause, (messages[at] as (typeof messages)[number])[0], onDamaged)
      at += 1
    }
  }
}

/** Expunged by another session, and its octets with it; or damaged. Anything else is thrown again. */
function leaveOut(cause: unknown, uid: number, onDamaged: (uid: number) => void): undefined {
  if (codeOf(cause) === 'CORRUPT') onDamaged(uid)
  else if (codeOf(cause) !== 'NOT_FOUND') throw cause
}
