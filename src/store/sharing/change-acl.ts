import { MailError } from '../../errors/mail-error.ts'
import { commitAccount } from '../account-commit.ts'
import { mailboxKey } from '../layout.ts'
import { type AccountId, type Acl, type AclChange, ALL_RIGHTS, type MailboxId, type Rights } from '../mail-store.ts'
import { allRecords, notFound } from '../mailboxes/names.ts'
import { encodeMailbox, type MailboxRecord, mailboxId } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { deleteGrants, publishGrant, putGrants } from './grants.ts'
import { unionOf, withoutRights } from './rights.ts'

/** Entries of one access control list: it is read with its mailbox. */
const MAX_ENTRIES = 200

/** Changes one entry of a mailbox's access control list. Sessions hear of it as of any change of the list of mailboxes. */
export async function changeAcl(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  change: AclChange,
): Promise<Acl> {
  for (const right of change.rights) {
    if (!ALL_RIGHTS.includes(right)) throw new MailError('INVALID', `${right} is no right`)
  }
  return commitAccount(context, account, [], async (commit) => {
    const records = await allRecords(commit.tx, account)
    const found = [...records].find(([, { number }]) => mailboxId(number) === mailbox)
    if (found === undefined) throw notFound(account, mailbox)
    const [name, before] = found
    const acl = changed(before.acl ?? [], change)
    if (acl.length > MAX_ENTRIES) {
      throw new MailError('LIMIT_REACHED', `an access control list has ${MAX_ENTRIES} entries at most`)
    }
    const { acl: _, ...rest } = before
    const after: MailboxRecord = acl.length === 0 ? rest : { ...rest, acl }
    deleteGrants(commit, before)
    putGrants(commit, after)
    commit.tx.put(mailboxKey(account, name), encodeMailbox(after))
    commit.mailboxesChanged(commit.nextModSeq())
    commit.tx.afterCommit(() => publishGrant(context.engine, change.subject))
    return acl
  })
}

function changed(acl: Acl, { mode, subject, isNegative, rights }: AclChange): Acl {
  const at = acl.findIndex((entry) => entry.subject === subject && entry.isNegative === isNegative)
  const next = combined(acl[at]?.rights ?? '', mode, rights)
  const entry = next === '' ? [] : [{ subject, isNegative, rights: next }]
  return at === -1 ? [...acl, ...entry] : acl.toSpliced(at, 1, ...entry)
}

function combined(old: Rights, mode: AclChange['mode'], rights: Rights): Rights {
  if (mode === 'add') return unionOf(old, rights)
  return mode === 'remove' ? withoutRights(old, rights) : unionOf('', rights)
}
