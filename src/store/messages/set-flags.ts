import type { AccountCommit } from '../account-commit.ts'
import { commitShared } from '../commit-groups.ts'
import type { AccountId, FlagChange, FlagClasses, MailboxId, MessageState } from '../mail-store.ts'
import { applyFlags, DELETED, type Flags, mixFlags, parseFlags, SEEN } from '../records/flags.ts'
import type { MailboxCounters } from '../records/mailbox-counters.ts'
import { mailboxNumber } from '../records/mailbox-record.ts'
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
    const done = await commitShared(context, account, {
      mailboxes: [request.mailbox],
      weight: Math.ceil(part.length / STATES_PER_COMMIT),
      durability: 'relaxed',
      run: (commit) => setFlagsIn(commit, request, part),
    })
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
  const counters = commit.change(mailbox)
  const states = commit.states(mailbox)
  await states.load(uids)
  const changed: MessageState[] = []
  const modified: number[] = []
  const written: number[] = []
  let modSeq: bigint | undefined
  for (const uid of uids) {
    const place = states.find(uid)
    if (place === undefined) continue
    const { page, row } = place
    if (unchangedSince !== undefined && page.modSeqAt(row) > unchangedSince) {
      modified.push(uid)
      continue
    }
    const old = { bits: page.bitsAt(row), keywords: page.keywordsAt(row) }
    const wanted = applyFlags(old, request.mode, request.flags)
    const next = request.only === undefined ? wanted : mixFlags(wanted, old, request.only)
    // What stays as it is keeps its MODSEQ: nobody has to be told.
    if (next.bits === old.bits && next.keywords === old.keywords) {
      changed.push(page.stateAt(row))
      continue
    }
    modSeq ??= commit.nextModSeq()
    page.setFlags(row, next, modSeq)
    states.change(page)
    count(counters, old.bits, next.bits)
    written.push(uid)
    changed.push(page.stateAt(row, modSeq))
  }
  if (modSeq === undefined) commit.leave()
  else commit.messagesChanged('flags', mailbox, modSeq, written)
  return { changed, modified }
}

function count(counters: MailboxCounters, before: number, after: number): void {
  counters.unseen += (before & SEEN ? 1 : 0) - (after & SEEN ? 1 : 0)
  counters.deleted += (after & DELETED ? 1 : 0) - (before & DELETED ? 1 : 0)
}
