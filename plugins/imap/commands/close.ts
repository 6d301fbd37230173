import { command, noArguments, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { whileWaiting } from '../progress.ts'
import { deletedUids } from './expunge.ts'

/** RFC 3501 section 6.4.2: what is marked as deleted goes, and nobody is told. */
export const close = command({
  name: 'CLOSE',
  states: SELECTED,
  updates: 'none',
  parse: noArguments,
  async run(_args, session) {
    const view = session.selected
    // RFC 4314 section 4: without the right the mailbox is only left.
    const uids = view.can('e') ? deletedUids(view) : []
    if (uids.length > 0) {
      const expunging = session.services.store.expunge(view.mirror.account, view.mailbox.id, uids)
      view.mirror.applyExpunged(await whileWaiting(session, expunging))
    }
    session.select(undefined)
    return ok('Closed')
  },
})

/** RFC 3691: leaves the mailbox and removes nothing. */
export const unselect = command({
  name: 'UNSELECT',
  states: SELECTED,
  updates: 'none',
  parse: noArguments,
  async run(_args, session) {
    session.select(undefined)
    return ok('Unselected')
  },
})
