import { type FlagChange, flagClassesOf, type MailStore } from 'mailserver'
import { type Command, command, type Finish, SELECTED } from '../command.ts'
import { type Completion, no, ok } from '../completion.ts'
import { type StateItem, stateFormatter } from '../fetch/plain-items.ts'
import { positionsOf } from '../known-messages.ts'
import type { MailboxView } from '../mailbox-view.ts'
import { completeLimited, limitMessages } from '../message-limit.ts'
import { Progress } from '../progress.ts'
import type { Session } from '../session.ts'
import { fetchHead } from '../uid-only.ts'
import { rightForFlag, tellKeywords } from '../updates.ts'
import { parseStoreFlags } from '../wire/flags.ts'
import { parseStoreModifier } from '../wire/modifiers.ts'
import { formatSequenceSet, largestOf, parseSequenceSet, type SequenceSet } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { refusalOf } from './expunge.ts'

/** Messages that are changed in one go, so that others get their turn. */
const BATCH = 10_000

interface Store {
  readonly set: SequenceSet
  readonly change: FlagChange
  readonly isSilent: boolean
  readonly unchangedSince: number | undefined
}

/** RFC 3501 section 6.4.6. */
export const store = storing('STORE', false)
/** RFC 3501 section 6.4.8. */
export const uidStore = storing('UID STORE', true)

const ITEM = /[+-]?FLAGS(\.SILENT)?/iy

function storing(name: string, isUid: boolean): Command {
  return command<Store>({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    usesNumbers: !isUid,
    parse(args, { limits }) {
      args.space()
      const set = parseSequenceSet(args)
      args.space()
      const unchangedSince = parseStoreModifier(args)
      const item = args.match(ITEM)?.toUpperCase()
      if (item === undefined) throw new SyntaxFault('FLAGS expected')
      args.space()
      const flags = parseStoreFlags(args, limits)
      args.end()
      const mode = item.startsWith('+') ? 'add' : item.startsWith('-') ? 'remove' : 'replace'
      return { set, change: { mode, flags }, isSilent: item.endsWith('.SILENT'), unchangedSince }
    },
    run: (args, session) => run(args, session, isUid),
    begin: (args, session) => begin(args, session, isUid),
  })
}

async function run(args: Store, session: Session, isUid: boolean): Promise<Completion> {
  const view = session.selected
  const refusal = refusalOfStore(view, args.change)
  if (refusal !== undefined) return refusal
  if (args.unchangedSince !== undefined) session.enableCondstore()
  const { positions, code } = limitMessages(session, await positionsOf(session, args.set, isUid))
  const progress = new Progress(session, positions.length)
  const modified: number[] = []
  let missing = 0
  for (let from = 0; from < positions.length; from += BATCH) {
    progress.tell(from)
    const part = positions.subarray(from, from + BATCH)
    missing += await tellStored(session, part, await change(session, part, args), args, isUid, modified)
  }
  return completeLimited(session, completionOf(modified, missing, isUid), code)
}

/** A client that marks messages one by one sends a row of these: they go to the store together. */
function begin(args: Store, session: Session, isUid: boolean): Finish | undefined {
  const view = session.selected
  if (args.unchangedSince !== undefined && !session.enabled.has('CONDSTORE')) return undefined
  if (refusalOfStore(view, args.change) !== undefined) return undefined
  // UIDs that the client cannot know yet: it is told of new messages first.
  if (isUid && (view.count === 0 || largestOf(args.set) > view.uidAt(view.count - 1))) return undefined
  const positions = view.positions(args.set, isUid)
  if (positions.length > Math.min(BATCH, session.messageLimit)) return undefined
  const changing = change(session, positions, args)
  // When an earlier one ends the session, nobody waits for this one any more.
  changing.catch(() => {})
  return async () => {
    const modified: number[] = []
    const missing = await tellStored(session, positions, await changing, args, isUid, modified)
    return completionOf(modified, missing, isUid)
  }
}

/** @param modified sequence numbers or UIDs */
function completionOf(modified: readonly number[], missing: number, isUid: boolean): Completion {
  const code = modified.length === 0 ? undefined : `MODIFIED ${formatSequenceSet(modified)}`
  // RFC 2180 section 4.2: by number the client meant a message that is gone; by UID that is no error.
  if (missing > 0 && !isUid) return no('Some of the messages are gone', code ?? 'EXPUNGEISSUED')
  return ok(code === undefined ? 'Store completed' : 'Conditional STORE failed for some', code)
}

/**
 * RFC 4314 section 4: what the user may change is changed, and a STORE is refused only when that is nothing. A STORE that
 * replaces all flags changes those of every kind.
 */
function refusalOfStore(view: MailboxView, { mode, flags }: FlagChange): Completion | undefined {
  const needed = mode === 'replace' ? ['s', 't', 'w'] : flags.map(rightForFlag)
  if (needed.length === 0 ? !view.isReadOnly : needed.some((right) => view.can(right))) return undefined
  return refusalOf(view, needed.join('') || 'w')
}

type Stored = Awaited<ReturnType<MailStore['setFlags']>>

function change(session: Session, positions: Uint32Array, { change, unchangedSince }: Store): Promise<Stored> {
  const view = session.selected
  const options = {
    only: flagClassesOf(view.rights),
    ...(unchangedSince !== undefined && { unchangedSince: BigInt(unchangedSince) }),
  }
  const { account } = view.mirror
  return session.services.store.setFlags(account, view.mailbox.id, view.uidsAt(positions), change, options)
}

/**
 * @param failed takes the messages that changed since, as the client names them
 * @returns how many of the messages are gone
 */
async function tellStored(
  session: Session,
  positions: Uint32Array,
  { changed, modified }: Stored,
  { isSilent }: Store,
  isUid: boolean,
  failed: number[],
): Promise<number> {
  const { out } = session
  const view = session.selected
  const isCondstore = session.enabled.has('CONDSTORE')
  view.mirror.applyStates(changed, view)
  tellKeywords(view, out)
  const unchanged = new Set(modified)
  for (const uid of modified) failed.push(isUid ? uid : view.positionOf(uid) + 1)
  // RFC 7162 section 3.1.3: the new mod-sequence is told also when the flags are not.
  const { isUidOnly } = session
  const items: StateItem[] = [
    ...(isUid && !isUidOnly ? (['UID'] as const) : []),
    ...(isSilent ? [] : (['FLAGS'] as const)),
  ]
  if (isCondstore) items.push('MODSEQ')
  const format = stateFormatter(items)
  const isTold = !isSilent || isCondstore
  let missing = 0
  for (const position of positions) {
    const row = view.rowAt(position)
    const uid = view.uidAt(position)
    if (row === -1) {
      missing += 1
    } else if (!unchanged.has(uid)) {
      view.forgetFlags(uid)
      if (isTold) out.untagged(`${fetchHead(view, position, isUidOnly)}${format(view, position, row)})`)
      if (out.isFull) await out.room()
    }
  }
  return missing
}
