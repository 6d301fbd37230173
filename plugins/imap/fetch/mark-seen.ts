import type { Session } from '../session.ts'
import { tellKeywords } from '../updates.ts'

const NONE: ReadonlySet<number> = new Set()

/** Marks messages as seen before they are sent, as far as the user may. @returns UIDs of those that were not */
export async function markSeen(session: Session, uids: readonly number[]): Promise<ReadonlySet<number>> {
  const { services, out, selected: view } = session
  // RFC 4314 section 4: without the right the flag is left alone, and nobody is refused.
  if (!view.can('s')) return NONE
  const { mirror } = view
  const unseen = uids.filter((uid) => {
    const row = mirror.columns.rowOf(uid, -1)
    return row !== -1 && !mirror.columns.flagSets.get(mirror.columns.flagsAt(row)).lower.has('\\seen')
  })
  if (unseen.length === 0) return NONE
  const change = { mode: 'add', flags: ['\\Seen'] } as const
  const { changed } = await services.store.setFlags(mirror.account, view.mailbox.id, unseen, change)
  mirror.applyStates(changed, view)
  tellKeywords(view, out)
  return new Set(unseen)
}
