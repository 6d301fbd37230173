import { MailError } from '../../errors/mail-error.ts'
import { type AccountCommit, commitAccount } from '../account-commit.ts'
import type { Reader, Transaction } from '../engine.ts'
import { KeyReader } from '../key.ts'
import { countersKey, metadataKey, metadataRange } from '../layout.ts'
import {
  type AccountId,
  type MailboxId,
  METADATA_LIMITS,
  type MetadataChange,
  type MetadataEntry,
  type MetadataOwner,
} from '../mail-store.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'

/** In place of a mailbox's number: entries of the account itself. */
const WHOLE_ACCOUNT = 0

const numberOf = (mailbox: MailboxId | undefined): number =>
  mailbox === undefined ? WHOLE_ACCOUNT : mailboxNumber(mailbox)

/** Entries of one owner, in the order of their names. */
export async function readMetadata(
  reader: Reader,
  account: AccountId,
  mailbox: MailboxId | undefined,
  owner: MetadataOwner,
): Promise<readonly MetadataEntry[]> {
  const entries: MetadataEntry[] = []
  for await (const batch of reader.scan(metadataRange(account, numberOf(mailbox), owner))) {
    for (const [at, value] of batch) entries.push({ name: nameIn(at), value })
  }
  return entries
}

export async function setMetadata(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId | undefined,
  changes: readonly MetadataChange[],
): Promise<readonly bigint[]> {
  const number = numberOf(mailbox)
  for (const { value } of changes) {
    if ((value?.length ?? 0) > METADATA_LIMITS.bytes) throw new MailError('TOO_LARGE', 'a metadata value is too long')
  }
  return commitAccount(context, account, [], async (commit) => {
    if (mailbox !== undefined && (await commit.tx.get(countersKey(account, number))) === undefined) {
      throw new MailError('MAILBOX_NOT_FOUND', `account ${account} has no mailbox ${mailbox}`)
    }
    const modSeqs: bigint[] = []
    for (const owner of new Set(changes.map((change) => change.owner))) {
      const own = changes.filter((change) => change.owner === owner)
      modSeqs.push(await setOwned(commit, mailbox, owner, own))
    }
    return modSeqs
  })
}

async function setOwned(
  commit: AccountCommit,
  mailbox: MailboxId | undefined,
  owner: MetadataOwner,
  changes: readonly MetadataChange[],
): Promise<bigint> {
  const { tx, account } = commit
  const number = numberOf(mailbox)
  const names = new Set((await readMetadata(tx, account, mailbox, owner)).map(({ name }) => name))
  for (const { name, value } of changes) {
    const folded = name.toLowerCase()
    const at = metadataKey(account, number, owner, folded)
    if (value === undefined) {
      names.delete(folded)
      tx.delete(at)
    } else {
      names.add(folded)
      tx.put(at, value)
    }
  }
  if (names.size > METADATA_LIMITS.entries) throw new MailError('LIMIT_REACHED', 'there are too many entries')
  const modSeq = commit.nextModSeq()
  const changed = changes.map(({ name }) => name.toLowerCase())
  commit.metadataChanged(modSeq, number, owner, changed)
  return modSeq
}

/** Every entry of a mailbox, whoever owns it. */
export async function allMetadata(
  reader: Reader,
  account: AccountId,
  mailbox: number,
): Promise<readonly (MetadataEntry & { readonly owner: MetadataOwner })[]> {
  const entries: (MetadataEntry & { owner: MetadataOwner })[] = []
  for await (const batch of reader.scan(metadataRange(account, mailbox))) {
    for (const [at, value] of batch) {
      const [owner, name] = ownerAndNameIn(at)
      entries.push({ owner, name, value })
    }
  }
  return entries
}

/** Copies every entry of a mailbox to another that has none (RFC 5464 section 4.1). */
export async function copyMetadata(tx: Transaction, account: AccountId, from: number, to: number): Promise<void> {
  for (const { owner, name, value } of await allMetadata(tx, account, from)) {
    tx.put(metadataKey(account, to, owner, name), value)
  }
}

function ownerAndNameIn(at: Buffer): [owner: MetadataOwner, name: string] {
  const reader = new KeyReader(at)
  // The space and the account.
  reader.text()
  reader.text()
  reader.u32()
  return [reader.text() as MetadataOwner, reader.text()]
}

const nameIn = (at: Buffer): string => ownerAndNameIn(at)[1]
