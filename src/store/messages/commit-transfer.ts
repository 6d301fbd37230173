import { AccountCommit, commitAccount } from '../account-commit.ts'
import { type AccountId, accountScope, type MailboxId } from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'

interface Place {
  readonly account: AccountId
  readonly mailbox: MailboxId
}

/**
 * Runs a change that takes messages from one mailbox to another in one transaction. Within an account both commits are
 * one and the same.
 */
export async function commitTransfer<T>(
  context: StoreContext,
  from: Place,
  to: Place,
  change: (source: AccountCommit, target: AccountCommit) => Promise<T>,
): Promise<T> {
  if (from.account === to.account) {
    return commitAccount(context, from.account, [from.mailbox, to.mailbox], (commit) => change(commit, commit))
  }
  return context.engine.transact([accountScope(from.account), accountScope(to.account)], async (tx) => {
    const source = await AccountCommit.open(context, tx, from.account, [mailboxNumber(from.mailbox)])
    const target = await AccountCommit.open(context, tx, to.account, [mailboxNumber(to.mailbox)])
    const result = await change(source, target)
    await source.close()
    await target.close()
    return result
  })
}
