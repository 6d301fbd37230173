import { commitAccount } from '../account-commit.ts'
import { countersKey, doomedKey, mailboxKey } from '../layout.ts'
import { type AccountId, accountScope } from '../mail-store.ts'
import { decodeCounters, encodeCounters, type MailboxCounters, newCounters } from '../records/mailbox-counters.ts'
import { decodeMailbox, encodeMailbox, type MailboxRecord } from '../records/mailbox-record.ts'
import { pastMargin } from '../uid-margin.ts'
import type { Damage, Damages } from './damage.ts'
import { decoded } from './decoded.ts'
import { mergedRows } from './merged-rows.ts'
import { countedAnew, countState, recountAccount, recountMailbox } from './recount.ts'
import type { VerifyContext } from './verify-context.ts'
import { verifyRows } from './verify-rows.ts'

/** What the mailboxes of an account come to. */
interface Sum {
  bytes: number
  messages: number
  modSeq: bigint
}

/** One mailbox: its counters, its messages, and one against the other. Adds to the sum what the messages come to. */
export async function* verifyMailbox(
  context: VerifyContext,
  account: AccountId,
  name: string,
  record: MailboxRecord,
  sum: Sum,
): Damages {
  const { reader, store } = context
  const at = { account, mailbox: name }
  const { number } = record
  const value = await reader.get(countersKey(account, number))
  const counters = decoded(value, decodeCounters)
  if (counters === undefined) yield lostCounters(context, at, record)
  else if (counters.uidValidity !== record.uidValidity) yield otherValidity(context, at, record)
  if ((await reader.get(doomedKey(account, number))) !== undefined) {
    yield {
      kind: 'mailbox-doomed',
      ...at,
      text: 'the mailbox is in use and also marked as deleted: its messages would be swept away',
      fix: () =>
        store.engine.transact([accountScope(account)], async (tx) => {
          const isNamed = decoded(await tx.get(mailboxKey(account, name)), decodeMailbox)?.number === number
          if (!isNamed || (await tx.get(doomedKey(account, number))) === undefined) return undefined
          tx.delete(doomedKey(account, number))
          return 'took the mark away'
        }),
    }
  }

  const before = counters ?? newCounters(record.uidValidity, 0n)
  const found: MailboxCounters = { ...before, messages: 0, unseen: 0, deleted: 0, recent: 0, size: 0 }
  let hasDamagedRows = false
  for await (const rows of mergedRows(reader, account, number)) {
    context.signal?.throwIfAborted()
    for (const row of rows) {
      const { state } = row
      if (state !== undefined && state !== 'unreadable') countState(found, row.uid, state)
    }
    for await (const damage of verifyRows(context, { account, name, number }, rows)) {
      hasDamagedRows ||= damage.changesCounts === true
      const { changesCounts: _, ...rest } = damage
      yield rest
    }
  }
  sum.bytes += found.size
  sum.messages += found.messages
  if (found.highestModSeq > sum.modSeq) sum.modSeq = found.highestModSeq
  const wrong = counters === undefined ? [] : differences(counters, found)
  if (wrong.length > 0 || hasDamagedRows) {
    const damage: Damage = {
      kind: 'mailbox-counts',
      ...at,
      text:
        wrong.length > 0
          ? `the counters are wrong: ${wrong.join(', ')}. Clients show wrong numbers, or miss what is new`
          : 'the counters do not agree with its damaged messages',
      fix: async () => {
        const isChanged = await recountMailbox(store, account, number)
        await recountAccount(store, account)
        return isChanged ? 'counted the mailbox anew' : undefined
      },
    }
    yield damage
  }
}

const NAMES = {
  messages: 'messages',
  unseen: 'unseen',
  deleted: 'deleted',
  recent: 'recent',
  size: 'octets',
  lastUid: 'highest UID',
  highestModSeq: 'HIGHESTMODSEQ',
} as const

function differences(counted: MailboxCounters, found: MailboxCounters): string[] {
  return (Object.keys(NAMES) as (keyof typeof NAMES)[])
    .filter((name) => counted[name] !== found[name])
    .map((name) => `${NAMES[name]} ${counted[name]} instead of ${found[name]}`)
}

interface Place {
  readonly account: AccountId
  readonly mailbox: string
}

function lostCounters({ store }: VerifyContext, at: Place, record: MailboxRecord): Damage {
  const { account, mailbox } = at
  const { number, uidValidity } = record
  return {
    kind: 'mailbox-counters',
    ...at,
    text: 'the counters are lost: nobody can open the mailbox',
    fix: () =>
      commitAccount(store, account, [], async (commit) => {
        const { tx } = commit
        const isNamed = decoded(await tx.get(mailboxKey(account, mailbox)), decodeMailbox)?.number === number
        if (!isNamed || decoded(await tx.get(countersKey(account, number)), decodeCounters) !== undefined) {
          commit.leave()
          return undefined
        }
        const modSeq = commit.nextModSeq()
        const counters = await countedAnew(tx, account, number, newCounters(uidValidity, modSeq))
        counters.lastUid = pastMargin(counters.lastUid)
        counters.firstRecent = counters.lastUid + 1
        counters.recent = 0
        tx.put(countersKey(account, number), encodeCounters(counters))
        commit.mailboxesChanged(modSeq)
        return 'counted the mailbox anew'
      }),
  }
}

function otherValidity({ store }: VerifyContext, at: Place, record: MailboxRecord): Damage {
  const { account, mailbox } = at
  return {
    kind: 'mailbox-uidvalidity',
    ...at,
    text: 'its UIDVALIDITY is not the same in its two records: clients may take one message for another',
    fix: () =>
      commitAccount(store, account, [], async (commit) => {
        const { tx } = commit
        const named = decoded(await tx.get(mailboxKey(account, mailbox)), decodeMailbox)
        const counters = decoded(await tx.get(countersKey(account, record.number)), decodeCounters)
        if (named?.number !== record.number || counters === undefined || counters.uidValidity === named.uidValidity) {
          commit.leave()
          return undefined
        }
        const floor = Math.max(named.uidValidity, counters.uidValidity)
        commit.record.lastUidValidity = Math.max(commit.record.lastUidValidity, floor)
        const uidValidity = commit.nextUidValidity()
        tx.put(mailboxKey(account, mailbox), encodeMailbox({ ...named, uidValidity }))
        tx.put(countersKey(account, record.number), encodeCounters({ ...counters, uidValidity }))
        commit.mailboxesChanged(commit.nextModSeq())
        return 'gave it a new UIDVALIDITY; clients take it anew'
      }),
  }
}
