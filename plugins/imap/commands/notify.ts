import { command, LOGGED_IN } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import { TooMuchToFollow } from '../notify/notifier.ts'
import { tellSelected } from '../tell-selected.ts'
import { parseNotify, SUPPORTED_EVENTS } from '../wire/notify-arguments.ts'

/** RFC 5465 section 3. */
export const notify = command({
  name: 'NOTIFY',
  states: LOGGED_IN,
  parse: (args, { limits }) => ({ request: parseNotify(args, limits.items) }),
  async run({ request }, session): Promise<Completion> {
    if (request !== undefined && request.unknown.length > 0) {
      const known = SUPPORTED_EVENTS.filter((event) => session.offer.hasItem(`NOTIFY ${event.toUpperCase()}`))
      return no('No such event here', `BADEVENT (${known.join(' ')})`)
    }
    // Section 3.1: what has gathered of the selected mailbox is told at once.
    await session.view?.mirror.refresh()
    await tellSelected(session, true)
    const notifier = session.startNotifying()
    try {
      await (request === undefined ? notifier.none() : notifier.set(request.groups, request.wantsStatus))
    } catch (cause) {
      if (cause instanceof TooMuchToFollow) return no('That is too much to follow', 'NOTIFICATIONOVERFLOW')
      throw cause
    }
    return ok(request === undefined ? 'Nothing is told any more' : 'Notify completed')
  },
})
