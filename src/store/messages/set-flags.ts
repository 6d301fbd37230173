import type { AccountCommit } from '../account-commit.ts'
import { commitAccount } from '../account-commit.ts'
import { MessageKeys } from '../layout.ts'
import type { AccountId, FlagChange, FlagClasses, MailboxId, MessageState } from '../mail-store.ts'
import { applyFlags, DELETED, type Flags, mixFlags, parseFlags, SEEN } from '../records/flags.ts'
import type { MailboxCounters } from '../records/mailbox-counters.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
import { decodeState, toMessageState, withFlags } from '../records/state-record.ts'
import { ascending } from '../records/uid-ranges.ts'
import type { StoreContext } from '../store-context.ts'

/** States are small: a transaction may hold more of them than of whole messages. */
const STATES_PER_COMMIT = 10

interface Request {
  readonly mailbox: number
  readonly mode: FlagChange['mode']
  readonly flags: Flags
  readonly unchangedSince: bigint | undefined
  readonly only: FlagClasses | undefined
}

export async function setFlags(
  context: StoreContext,
  account: AccountId,
  mailbox: MailboxId,
  uids: readonly number[],
  change: FlagChange,
  options: { unchangedSince?: bigint; only?: FlagClasses } = {},
): Promise<{ readonly changed: readonly MessageState[]; readonly modified: readonly number[] }> {
  const request: Request = {
    mailbox: mailboxNumber(mailbox),
    mode: change.mode,
    flags: parseFlags(change.flags),
    unchangedSince: options.unchangedSince,
    only: options.only,
  }
  const wanted = ascending(uids)
  const size = context.limits.batch * STATES_PER_COMMIT
  const changed: MessageState[] = []
  const modified: number[] = []
  // At least once, so that a mailbox that is gone is told from one without these UIDs.
  for (let from = 0; from === 0 || from < wanted.length; from += size) {
    const part = wanted.slice(from, from + size)
    const done = await commitAccount(
      context,
      account,
      [mailbox],
      (commit) => setFlagsIn(commit, request, part),
      'relaxed',
    )
    for (const state of done.changed) changed.push(state)
    for (const uid of done.modified) modified.push(uid)
  }
  return { changed, modified }
}

async function setFlagsIn(
  commit: AccountCommit,
  request: Request,
  uids: readonly number[],
): Promise<{ changed: MessageState[]; modified: number[] }> {
  const { mailbox, unchangedSince } = request
  const keys = new MessageKeys('mail-state', commit.account, mailbox)
  const counters = commit.change(mailbox)
  const values = await commit.tx.getMany(uids.map((uid) => keys.of(uid)))
  const changed: MessageState[] = []
  const modified: number[] = []
  const written: number[] = []
  let modSeq: bigint | undefined
  values.forEach((value, at) => {
    const uid = uids[at] as number
    if (value === undefined) return
    const old = decodeState(value)
    if (unchangedSince !== undefined && old.modSeq > unchangedSince) {
      modified.push(uid)
      return
    }
    const wanted = applyFlags(old, request.mode, request.flags)
    const next = request.only === undefined ? wanted : mixFlags(wanted, old, request.only)
    // What stays as it is keeps its MODSEQ: nobody has to be told.
    if (next.bits === old.bits && next.keywords === old.keywords) {
      changed.push(toMessageState(uid, value))
      return
    }
    modSeq ??= commit.nextModSeq()
    const bytes = withFlags(value, next, modSeq)
    commit.tx.put(keys.of(uid), bytes)
    count(counters, old.bits, next.bits)
    written.push(uid)
    changed.push(toMessageState(uid, bytes))
  })
  if (modSeq === undefined) commit.leave()
  else commit.messagesChanged('flags', mailbox, modSeq, written)
  return { changed, modified }
}

function count(counters: MailboxCounters, before: number, after: number): void {
  counters.unseen += (before & SEEN ? 1 : 0) - (after & SEEN ? 1 : 0)
  counters.deleted += (after & DELETED ? 1 : 0) - (before & DELETED ? 1 : 0)
}
