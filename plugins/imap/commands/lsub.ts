import { setImmediate as nextTurn } from 'node:timers/promises'
import { HIERARCHY_SEPARATOR } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import { parseReferenceAndPattern } from '../wire/list-arguments.ts'
import { ListPattern, parentsOf } from '../wire/list-pattern.ts'

/** Names that are compared with the pattern before others get their turn. */
const TURN = 100

/** RFC 3501 section 6.3.9. */
export const lsub = command({
  name: 'LSUB',
  states: LOGGED_IN,
  parse: parseReferenceAndPattern,
  async run({ reference, pattern }, session) {
    const { out, services, account, mailboxes: access } = session
    const wanted = new ListPattern(reference, pattern)
    const [subscribed, mailboxes] = await Promise.all([
      services.store.subscriptions(account),
      access.listed(wanted.head),
    ])
    const existing = new Set(mailboxes.map(({ name }) => name))
    const names = new Set(subscribed)
    for (const [at, name] of subscribed.entries()) {
      if (at % TURN === TURN - 1) await nextTurn()
      if (!wanted.matches(name)) continue
      // RFC 3501 section 6.3.9: a name that cannot be selected says so.
      out.untagged(
        `LSUB (${existing.has(name) ? '' : '\\Noselect'}) "${HIERARCHY_SEPARATOR}" ${session.mailboxName(name)}`,
      )
      if (out.isFull) await out.room()
    }
    if (wanted.endsWithLevel) {
      for (const name of new Set(subscribed.flatMap(parentsOf))) {
        if (names.has(name) || !wanted.matches(name)) continue
        out.untagged(`LSUB (\\Noselect) "${HIERARCHY_SEPARATOR}" ${session.mailboxName(name)}`)
      }
    }
    return ok('Lsub completed')
  },
})
