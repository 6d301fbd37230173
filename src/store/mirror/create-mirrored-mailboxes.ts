import { type AccountCommit, commitAccount } from '../account-commit.ts'
import { createMailStore } from '../create-mail-store.ts'
import { MessageKeys, mailboxKey, subscriptionKey } from '../layout.ts'
import type { AccountId, Mailbox, MailboxId, SpecialUse } from '../mail-store.ts'
import { requireLive } from '../mailboxes/create-mailbox.ts'
import { canonicalName, newName } from '../mailboxes/mailbox-name.ts'
import { addMailbox, checkCount, exists, recordOf, recordsOf } from '../mailboxes/names.ts'
import { countIn, takeUids } from '../messages/append.ts'
import { decodeCopy, encodeCopy, encodeNewCopy } from '../records/copy-record.ts'
import { parseFlags } from '../records/flags.ts'
import { encodeIndex } from '../records/index-codec.ts'
import { encodeMailbox, mailboxNumber, toMailbox } from '../records/mailbox-record.ts'
import type { StoreContext } from '../store-context.ts'
import { MAX_UID } from '../uid-margin.ts'
import { confirmJournal, journalAccounts, measureJournal, readJournal } from './mirror-journal.ts'
import type { AdoptedMessage, MirroredMailboxes } from './mirrored-mailboxes.ts'
import { renumberIn } from './renumber.ts'

export function createMirroredMailboxes(ordinary: StoreContext): MirroredMailboxes & { close(): void } {
  const c: StoreContext = { ...ordinary, isFromMirror: true }
  const store = createMailStore(c)
  return {
    store,
    waiting: () => journalAccounts(c.engine),
    commits: (account, limit, after) => readJournal(c.engine, account, limit, after),
    load: (account) => measureJournal(c.engine, account),
    confirm: (account, commits, kept = []) => confirmJournal(c.engine, account, commits, kept, c.clock.now()),
    rename: (account, mailbox, uid, ref) =>
      commitAccount(c, account, [], async (commit) => {
        const at = new MessageKeys('mail-copy', account, mailboxNumber(mailbox)).of(uid)
        const value = await commit.tx.get(at)
        if (value !== undefined) commit.tx.put(at, encodeCopy({ ...decodeCopy(value), blob: ref }))
        commit.leave()
      }),
    adopt: (account, mailbox, messages) =>
      commitAccount(c, account, [mailbox], async (commit) => adoptIn(commit, mailboxNumber(mailbox), messages)),
    renumber: (account, mailbox, uids, uidNext) =>
      commitAccount(c, account, [mailbox], async (commit) => renumberIn(commit, mailboxNumber(mailbox), uids, uidNext)),
    createMailbox: (account, name, options = {}) => createMailbox(c, account, newName(name), options),
    setUidValidity: (account, name, uidValidity, uidNext) =>
      setUidValidity(c, account, canonicalName(name), uidValidity, uidNext),
    close: () => store.close(),
  }
}

async function adoptIn(commit: AccountCommit, mailbox: number, messages: readonly AdoptedMessage[]): Promise<number[]> {
  const { tx, account, record } = commit
  const counters = commit.change(mailbox)
  if (messages.length === 0) {
    commit.leave()
    return []
  }
  const flags = messages.map((message) => parseFlags(message.flags))
  const uids = messages.flatMap(({ uid: wanted }) => {
    if (wanted !== undefined && wanted > counters.lastUid && wanted <= MAX_UID) counters.lastUid = wanted - 1
    return takeUids(counters, 1)
  })
  const modSeq = commit.nextModSeq()
  const states = commit.states(mailbox)
  await states.load(uids)
  const copies = new MessageKeys('mail-copy', account, mailbox)
  const indexes = new MessageKeys('mail-index', account, mailbox)
  messages.forEach(({ ref, index, internalDate }, at) => {
    const uid = uids[at] as number
    const { bits, keywords } = flags[at] as { bits: number; keywords: string }
    const { size } = index
    record.usedBytes += size
    record.usedMessages += 1
    countIn(counters, bits, size)
    states.add(uid, { bits, keywords, modSeq, internalDate, size })
    tx.put(copies.of(uid), encodeNewCopy(ref, ref, commit.now))
    tx.put(indexes.of(uid), encodeIndex(index))
  })
  commit.messagesChanged('appended', mailbox, modSeq, uids)
  return uids
}

async function createMailbox(
  c: StoreContext,
  account: AccountId,
  name: string,
  options: { readonly uidValidity?: number | undefined; readonly specialUse?: SpecialUse | undefined },
): Promise<Mailbox> {
  return commitAccount(c, account, [], async (commit) => {
    requireLive(commit, name)
    if ((await recordsOf(commit.tx, account, [name])).has(name)) throw exists(account, name)
    const modSeq = commit.nextModSeq()
    const { uidValidity, specialUse } = options
    const { record: counters } = commit
    if (uidValidity !== undefined) counters.lastUidValidity = Math.max(counters.lastUidValidity, uidValidity)
    const record = addMailbox(commit, name, modSeq, { specialUse, uidValidity })
    await checkCount(c, commit)
    commit.mailboxesChanged(modSeq)
    return toMailbox(name, record, (await commit.tx.get(subscriptionKey(account, name))) !== undefined)
  })
}

async function setUidValidity(
  c: StoreContext,
  account: AccountId,
  name: string,
  uidValidity: number,
  uidNext: number,
): Promise<number> {
  const { number } = await recordOf(c.engine, account, name)
  return commitAccount(c, account, [`m${number}` as MailboxId], async (commit) => {
    const record = await recordOf(commit.tx, account, name)
    const counters = commit.change(number)
    const isNew = counters.lastUid === 0
    const isSame = record.uidValidity === uidValidity
    if (isSame && counters.lastUid >= uidNext - 1) {
      commit.leave()
      return uidValidity
    }
    counters.lastUid = Math.min(MAX_UID, Math.max(counters.lastUid, uidNext - 1))
    if (isSame) return uidValidity
    const taken = isNew || uidValidity > record.uidValidity ? uidValidity : commit.nextUidValidity()
    commit.record.lastUidValidity = Math.max(commit.record.lastUidValidity, taken)
    counters.uidValidity = taken
    commit.tx.put(mailboxKey(account, name), encodeMailbox({ ...record, uidValidity: taken }))
    commit.mailboxesChanged(commit.nextModSeq())
    return taken
  })
}
