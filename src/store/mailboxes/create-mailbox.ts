import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { subscriptionKey } from '../layout.ts'
import { type AccountId, HIERARCHY_SEPARATOR, type Mailbox, type SpecialUse } from '../mail-store.ts'
import { toMailbox } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { newName, parentsOf } from './mailbox-name.ts'
import { addMailbox, addParents, checkCount, exists, inheritedAcl, notFound, recordsOf } from './names.ts'

export async function createMailbox(
  context: StoreContext,
  account: AccountId,
  name: string,
  options: { specialUse?: SpecialUse } = {},
): Promise<Mailbox> {
  // RFC 3501 section 6.3.3: a separator at the end announces children; where none is needed it is ignored.
  const canonical = newName(name.endsWith(HIERARCHY_SEPARATOR) ? name.slice(0, -1) : name)
  return commitAccount(context, account, [], async (commit) => {
    requireLive(commit, canonical)
    const existing = await recordsOf(commit.tx, account, [...parentsOf(canonical), canonical])
    if (existing.has(canonical)) throw exists(account, canonical)
    const modSeq = commit.nextModSeq()
    addParents(commit, canonical, modSeq, existing)
    const record = addMailbox(commit, canonical, modSeq, { ...options, acl: inheritedAcl(canonical, existing) })
    await checkCount(context, commit)
    commit.mailboxesChanged(modSeq)
    const subscription = await commit.tx.get(subscriptionKey(account, canonical))
    return toMailbox(canonical, record, subscription !== undefined)
  })
}

/** A mailbox of a removed account would come back to life without an INBOX. */
export function requireLive(commit: AccountCommit, name: string): void {
  if (!commit.record.isLive) throw notFound(commit.account, name)
}
