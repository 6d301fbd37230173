import { capabilityText } from '../capabilities.ts'
import { ANY_STATE, command, noArguments } from '../command.ts'
import { ok } from '../completion.ts'

/** RFC 3501 section 6.1.1. */
export const capability = command({
  name: 'CAPABILITY',
  states: ANY_STATE,
  updates: 'no-expunge',
  parse: noArguments,
  async run(_args, session) {
    session.out.untagged(capabilityText(session))
    return ok('Capability completed')
  },
})
