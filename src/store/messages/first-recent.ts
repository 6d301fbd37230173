import { commitShared } from '../commit-groups.ts'
import type { AccountId, MailboxId } from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { countersOf } from './read-messages.ts'

/** RFC 3501 section 2.3.2: with `take`, no other session sees these messages as recent. */
export async function firstRecentUid(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  { take }: { take: boolean },
): Promise<number> {
  const { firstRecent, lastUid } = await countersOf(context.engine, account, mailbox)
  if (!take || firstRecent > lastUid) return firstRecent
  const number = mailboxNumber(mailbox)
  return commitShared(context, account, {
    mailboxes: [number],
    weight: 1,
    durability: 'relaxed',
    async run(commit) {
      const counters = commit.change(number)
      const first = counters.firstRecent
      counters.firstRecent = counters.lastUid + 1
      counters.recent = 0
      return first
    },
  })
}
