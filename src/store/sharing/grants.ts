import type { AccountCommit } from '../account-commit.ts'
import type { Engine, Reader } from '../engine.ts'
import { KeyReader } from '../key.ts'
import { grantKey, grantRange } from '../layout.ts'
import type { AccountId, AclSubject } from '../mail-store.ts'
import type { MailboxRecord } from '../records/mailbox-record.ts'

const NOTHING = Buffer.alloc(0)

/** Accounts that share something with this one or with everybody, itself left out. */
export async function sharers(reader: Reader, account: AccountId): Promise<readonly AccountId[]> {
  const found = new Set<AccountId>()
  for (const subject of [account, 'anyone'] as const) {
    for await (const batch of reader.scan(grantRange(subject))) {
      for (const [at] of batch) {
        const parts = new KeyReader(at)
        // The space and the subject.
        parts.text()
        parts.text()
        found.add(parts.text() as AccountId)
      }
    }
  }
  found.delete(account)
  return [...found]
}

/** Who is given something by the mailbox: a negative entry alone opens nothing. */
export function granteesOf({ acl }: MailboxRecord): readonly AclSubject[] {
  return (acl ?? []).filter(({ isNegative }) => !isNegative).map(({ subject }) => subject)
}

/** Makes the mailbox found by those it is shared with. */
export function putGrants(commit: AccountCommit, mailbox: MailboxRecord): void {
  for (const subject of granteesOf(mailbox)) {
    commit.tx.put(grantKey(subject, commit.account, mailbox.number), NOTHING)
  }
}

export function deleteGrants(commit: AccountCommit, mailbox: MailboxRecord): void {
  for (const subject of granteesOf(mailbox)) commit.tx.delete(grantKey(subject, commit.account, mailbox.number))
}

const grantTopic = (subject: AclSubject): string => `grants:${subject}`

/** Tells whom an entry of an access control list is for that it has changed, in every worker. */
export const publishGrant = (engine: Engine, subject: AclSubject): void => engine.publish(grantTopic(subject), '')

/** Hears of changed entries for the account and for anyone. */
export function watchGrants(engine: Engine, account: AccountId, listener: () => void): () => void {
  const ends = [account, 'anyone' as const].map((subject) => engine.watch(grantTopic(subject), () => listener()))
  return () => {
    for (const end of ends) end()
  }
}
