import { command, LOGGED_IN, noArguments } from '../command.ts'
import { bad, ok } from '../completion.ts'
import { formatString } from '../wire/strings.ts'

/** RFC 9698: where the same messages are to be had by JMAP. */
export const getJmapAccess = command({
  name: 'GETJMAPACCESS',
  states: LOGGED_IN,
  parse: noArguments,
  async run(_args, { out, services }) {
    if (services.jmap === undefined) return bad('Unknown command')
    out.untagged(`JMAPACCESS ${formatString(services.jmap.sessionUrl)}`)
    return ok('JMAP access completed')
  },
})
