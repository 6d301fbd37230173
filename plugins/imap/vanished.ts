import type { MailStore } from 'mailserver'
import type { MailboxView } from './mailbox-view.ts'
import { formatSequenceSet, resolveSequenceSet, type SequenceRange, type SequenceSet } from './wire/sequence-set.ts'

/**
 * UIDs of the set that were removed after a mod-sequence, as VANISHED (EARLIER) names them (RFC 7162 section 3.2.10).
 * When the log does not reach back so far, every UID of the set that is not there. Empty text when there are none.
 */
export async function vanishedSince(
  store: MailStore,
  view: MailboxView,
  set: SequenceSet | undefined,
  since: number,
): Promise<string> {
  const last = view.mirror.uidNext - 1
  const ranges = resolveSequenceSet(set ?? [[1, Number.POSITIVE_INFINITY]], last)
  const { account } = view.mirror
  const changes = await store.changesSince(account, view.mailbox.id, BigInt(since))
  if (!changes.isComplete) return missingIn(view, ranges, last)
  return formatSequenceSet(changes.vanished.filter((uid) => ranges.some(([from, to]) => uid >= from && uid <= to)))
}

function missingIn(view: MailboxView, ranges: readonly SequenceRange[], last: number): string {
  const gaps: string[] = []
  const add = (from: number, to: number) => {
    if (from <= to) gaps.push(from === to ? `${from}` : `${from}:${to}`)
  }
  for (const [from, to] of ranges) {
    let next = from
    const end = Math.min(to, last)
    for (const position of view.positions([[from, to]], true)) {
      const uid = view.uidAt(position)
      if (uid < from || uid > end) continue
      add(next, uid - 1)
      next = uid + 1
    }
    add(next, end)
  }
  return gaps.join(',')
}
