import { command, noArguments, only, SELECTED } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import { NOT_PERMITTED } from '../completion-of-error.ts'
import { positionsOf } from '../known-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { completeLimited, limitMessages } from '../message-limit.ts'
import { whileWaiting } from '../progress.ts'
import type { Session } from '../session.ts'
import { parseSequenceSet } from '../wire/sequence-set.ts'

/** The answer to a command that needs these rights on the selected mailbox; undefined when the user has them. */
export function refusalOf(view: MailboxView, rights: string): Completion | undefined {
  if ([...rights].every((right) => view.can(right))) return undefined
  return view.isReadOnly ? no('Mailbox is read-only', 'READ-ONLY') : NOT_PERMITTED
}

/** RFC 3501 section 6.4.3. However many there are: RFC 9738 section 3.1 has no limit here, nor for CLOSE. */
export const expunge = command({
  name: 'EXPUNGE',
  states: SELECTED,
  parse: noArguments,
  run: (_args, session) => remove(session, deletedUids(session.selected)),
})

/** RFC 4315 section 2.1: of the messages named, those marked as deleted. */
export const uidExpunge = command({
  name: 'UID EXPUNGE',
  states: SELECTED,
  parse: (args) => only(args, parseSequenceSet),
  async run(set, session) {
    const view = session.selected
    const named = await positionsOf(session, set, true)
    const deleted = deletedUids(view, named)
    const { positions, code } = limitMessages(
      session,
      Uint32Array.from(deleted, (uid) => view.positionOf(uid)),
    )
    const completion = await remove(session, view.uidsAt(positions))
    return completion.status === 'OK' ? completeLimited(session, completion, code) : completion
  },
})

async function remove(session: Session, uids: readonly number[]): Promise<Completion> {
  const view = session.selected
  const refusal = refusalOf(view, 'e')
  if (refusal !== undefined) return refusal
  if (uids.length > 0) {
    const expunging = session.services.store.expunge(view.mirror.account, view.mailbox.id, uids)
    view.mirror.applyExpunged(await whileWaiting(session, expunging))
  }
  if (!session.enabled.has('QRESYNC') || uids.length === 0) return ok('Expunge completed')
  await view.mirror.refresh()
  return ok('Expunge completed', `HIGHESTMODSEQ ${view.mirror.highestModSeq}`)
}

/** UIDs with `\Deleted` at these positions, or at all. */
export function deletedUids(view: MailboxView, positions?: Uint32Array): number[] {
  const { mirror } = view
  const isDeleted: boolean[] = []
  const uids: number[] = []
  const count = positions?.length ?? view.count
  for (let at = 0; at < count; at++) {
    const position = positions === undefined ? at : (positions[at] as number)
    const row = view.rowAt(position)
    if (row === -1) continue
    const set = mirror.columns.flagsAt(row)
    isDeleted[set] ??= mirror.columns.flagSets.get(set).lower.has('\\deleted')
    if (isDeleted[set]) uids.push(view.uidAt(position))
  }
  return uids
}
