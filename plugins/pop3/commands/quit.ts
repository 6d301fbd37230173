import { replyFor } from '../error-replies.ts'
import { close, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 1939 section 6: the one way into the UPDATE state. Answered once the removal is on disk. */
export const quit: Command = {
  keyword: 'QUIT',
  state: 'any',
  async run({ maildrop }) {
    try {
      const removed = (await maildrop?.update()) ?? 0
      return close(ok(removed === 0 ? 'Bye' : `Bye, ${removed} messages removed`))
    } catch (err) {
      // Whether it succeeded or not, the session is over.
      return close(replyFor(err))
    }
  },
}
