import type { Session } from './session.ts'
import { tellNew } from './updates.ts'
import { largestOf, SAVED, type SequenceSet } from './wire/sequence-set.ts'

/** Positions in the selected mailbox; with UIDs beyond those the client knows it is told of new messages first. */
export async function positionsOf(session: Session, set: SequenceSet, isUid: boolean): Promise<Uint32Array> {
  const view = session.selected
  if (set === SAVED) return savedPositions(session)
  if (isUid && (view.count === 0 || largestOf(set) > view.uidAt(view.count - 1))) await catchUp(session)
  return view.positions(set, isUid)
}

/** RFC 5182 section 2.1: what is gone since then is left out. */
function savedPositions({ saved, selected: view }: Session): Uint32Array {
  const positions = Array.from(saved, (uid) => view.positionOf(uid)).filter((position) => position !== -1)
  return Uint32Array.from(positions).sort()
}

/** Tells the client of every message that came to its mailbox until now. */
export async function catchUp({ selected: view, selectedEvents, out, services }: Session): Promise<void> {
  await view.mirror.refresh()
  // Nothing is wanted of new messages: the client's view stays as it is.
  if (selectedEvents?.isNone) return
  await tellNew(view, out, services.store)
}
