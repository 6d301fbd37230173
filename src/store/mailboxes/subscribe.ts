import { MailError } from '../../errors/mail-error.ts'
import { commitAccount } from '../account-commit.ts'
import { subscriptionKey } from '../layout.ts'
import type { AccountId } from '../mail-store.ts'
import type { StoreContext } from '../store-context.ts'
import { requireLive } from './create-mailbox.ts'
import { canonicalName, newName } from './mailbox-name.ts'
import { allSubscriptions } from './names.ts'

const NOTHING = Buffer.alloc(0)

/** @throws MailError INVALID, LIMIT_REACHED (no name, or too many of them), MAILBOX_NOT_FOUND (no such account) */
export async function setSubscribed(
  context: StoreContext,
  account: AccountId,
  name: string,
  isSubscribed: boolean,
): Promise<void> {
  const canonical = isSubscribed ? newName(name) : canonicalName(name)
  const at = subscriptionKey(account, canonical)
  await commitAccount(context, account, [], async (commit) => {
    const wasSubscribed = (await commit.tx.get(at)) !== undefined
    if (wasSubscribed === isSubscribed) return commit.leave()
    requireLive(commit, canonical)
    if (isSubscribed) {
      const { subscriptions } = context.limits
      if ((await allSubscriptions(commit.tx, account)).length >= subscriptions) {
        throw new MailError('LIMIT_REACHED', `an account has ${subscriptions} subscriptions at most`)
      }
      commit.tx.put(at, NOTHING)
    } else {
      commit.tx.delete(at)
    }
    commit.mailboxesChanged(commit.nextModSeq())
    commit.mirror({ kind: 'subscriptions' })
  })
}
