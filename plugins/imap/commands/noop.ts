import { ANY_STATE, command, noArguments, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'

/** RFC 3501 section 6.1.2: how a client asks what is new. */
export const noop = command({
  name: 'NOOP',
  states: ANY_STATE,
  parse: noArguments,
  async run(_args, session) {
    await session.view?.mirror.refresh()
    return ok('Noop completed')
  },
})

/** RFC 3501 section 6.4.1: what is stored is stored; nothing waits for a checkpoint. */
export const check = command({
  name: 'CHECK',
  states: SELECTED,
  parse: noArguments,
  async run(_args, session) {
    await session.selected.mirror.refresh()
    return ok('Check completed')
  },
})
