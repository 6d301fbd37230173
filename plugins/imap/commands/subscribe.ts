import { type Command, command, LOGGED_IN, only } from '../command.ts'
import { ok } from '../completion.ts'
import { parseMailbox } from '../wire/mailbox-name.ts'

/** RFC 3501 section 6.3.6. */
export const subscribe = subscribing('SUBSCRIBE', true)
/** RFC 3501 section 6.3.7. */
export const unsubscribe = subscribing('UNSUBSCRIBE', false)

function subscribing(name: string, isSubscribed: boolean): Command {
  return command({
    name,
    states: LOGGED_IN,
    parse: (args) => only(args, parseMailbox),
    async run(mailbox, session) {
      await session.services.store.setSubscribed(session.account, mailbox, isSubscribed)
      session.changedName(mailbox)
      return ok(isSubscribed ? 'Subscribed' : 'Unsubscribed')
    },
  })
}
