import { MailError } from '../../errors/mail-error.ts'
import { AccountCommit } from '../account-commit.ts'
import { doomedKey, mailboxKey } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { type MailboxRecord, mailboxId } from '../records/mailbox-record.ts'
import { deleteGrants } from '../sharing/grants.ts'
import type { StoreContext } from '../store-context.ts'
import { canonicalName, isInbox } from './mailbox-name.ts'
import { recordOf } from './names.ts'
import { trySweep } from './sweep.ts'

/** Subscriptions stay: RFC 3501 section 6.3.6 lets a server never drop one on its own. Children stay as well. */
export async function deleteMailbox(context: StoreContext, account: AccountId, name: string): Promise<void> {
  const canonical = canonicalName(name)
  if (isInbox(canonical)) throw new MailError('NOT_ALLOWED', 'INBOX cannot be deleted')
  const number = await context.engine.transact([accountScope(account)], async (tx) => {
    const record = await recordOf(tx, account, canonical)
    const commit = await AccountCommit.open(context, tx, account, [record.number])
    doom(commit, canonical, record)
    commit.mailboxesChanged(commit.nextModSeq())
    await commit.close()
    return record.number
  })
  await trySweep(context, account, [number])
}

/** Takes a mailbox away at once; its messages are swept later. */
export function doom(commit: AccountCommit, name: string, mailbox: MailboxRecord): void {
  const { tx, account, record } = commit
  const counters = commit.change(mailbox.number)
  record.usedBytes -= counters.size
  record.usedMessages -= counters.messages
  record.lostUidValidity = Math.max(record.lostUidValidity, mailbox.uidValidity)
  tx.delete(mailboxKey(account, name))
  tx.put(doomedKey(account, mailbox.number), Buffer.alloc(0))
  deleteGrants(commit, mailbox)
  commit.removeMailbox(mailbox.number)
  commit.mirror({ kind: 'mailbox-removed', mailbox: mailboxId(mailbox.number), name })
}
