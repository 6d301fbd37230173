import { KeyReader, prefixRange } from '../key.ts'
import { grantKey, mailboxKey } from '../layout.ts'
import { type AccountId, type AclSubject, accountScope } from '../mail-store.ts'
import { allRecords } from '../mailboxes/names.ts'
import { decodeMailbox, type MailboxRecord } from '../records/mailbox-record.ts'
import { granteesOf } from '../sharing/grants.ts'
import type { Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import type { VerifyContext } from './verify-context.ts'

/** Those a mailbox is shared with must find it. */
export async function* verifyGrants(
  { reader, store }: VerifyContext,
  account: AccountId,
  name: string,
  record: MailboxRecord,
): Damages {
  const subjects = granteesOf(record)
  if (subjects.length === 0) return
  const grants = await reader.getMany(subjects.map((subject) => grantKey(subject, account, record.number)))
  for (const [at, subject] of subjects.entries()) {
    if (grants[at] !== undefined) continue
    yield {
      kind: 'grant-missing',
      account,
      mailbox: name,
      text: `the mailbox is shared with ${subject}, who does not find it`,
      fix: () =>
        store.engine.transact([accountScope(account)], async (tx) => {
          const live = decoded(await tx.get(mailboxKey(account, name)), decodeMailbox)
          const grant = grantKey(subject, account, record.number)
          const isStill = live?.number === record.number && granteesOf(live).includes(subject)
          if (!isStill || (await tx.get(grant)) !== undefined) return undefined
          tx.put(grant, Buffer.alloc(0))
          return 'made it found'
        }),
    }
  }
}

/** Grants of mailboxes that are gone, or share nothing with the subject. */
export async function* danglingGrants({ reader, store }: VerifyContext): Damages {
  for await (const batch of reader.scan(prefixRange('mail-grant'))) {
    for (const [at] of batch) {
      const parts = new KeyReader(at)
      parts.text()
      const subject = parts.text() as AclSubject
      const account = parts.text() as AccountId
      const number = parts.u32()
      const isGranted = async (from: Parameters<typeof soundRecords>[0]) =>
        (await soundRecords(from, account)).some((one) => one.number === number && granteesOf(one).includes(subject))
      if (await isGranted(reader)) continue
      yield {
        kind: 'grant-orphan',
        account,
        text: `${subject} is led to mailbox m${number} of another account, which is gone or not shared`,
        fix: () =>
          store.engine.transact([accountScope(account)], async (tx) => {
            if ((await tx.get(at)) === undefined || (await isGranted(tx))) return undefined
            tx.delete(at)
            return 'took the way away'
          }),
      }
    }
  }
}

/** Unreadable names are named by the check of the account; here they share nothing. */
async function soundRecords(reader: VerifyContext['reader'], account: AccountId): Promise<readonly MailboxRecord[]> {
  try {
    return [...(await allRecords(reader, account)).values()]
  } catch {
    return []
  }
}
