import { codeOf, type MailStore } from 'mailserver'
import type { MailboxView } from './mailbox-view.ts'
import type { Responses } from './responses.ts'
import { fetchHead } from './uid-only.ts'
import { formatSequenceSet } from './wire/sequence-set.ts'

/** The selected mailbox was deleted by another session: this one cannot go on. */
export class MailboxGone extends Error {
  override readonly name = 'MailboxGone'
}

/** The right to read the selected mailbox was taken away (RFC 4314 section 5.1.1): this session cannot go on. */
export class MailboxClosed extends Error {
  override readonly name = 'MailboxClosed'
}

export interface UpdateOptions {
  readonly store: MailStore
  /** What the client switched on: CONDSTORE and QRESYNC change what is said. */
  readonly enabled: ReadonlySet<string>
  /** EXPUNGE may be said (RFC 3501 section 7.4.1). */
  readonly canExpunge: boolean
  /** False: nothing is said of messages (RFC 5465 section 3.1). */
  readonly hasMessages?: boolean
  /** False: changed flags are passed over. */
  readonly hasFlags?: boolean
  /** Changed flags are told with the UID (RFC 5465 section 5.1). */
  readonly namesUids?: boolean
}

/** How many FETCH responses are made before others get their turn. */
const BATCH = 1000

/**
 * Tells the client what happened in its mailbox since it was last told: EXPUNGE first, then EXISTS and RECENT, then flags.
 * @throws MailboxGone, MailboxClosed, PeerGone
 */
export async function tellUpdates(view: MailboxView, out: Responses, options: UpdateOptions): Promise<void> {
  if (!view.hasUpdates) return
  if (view.mirror.isDeleted) throw new MailboxGone('the selected mailbox was deleted')
  tellRights(view, out)
  const isUidOnly = options.enabled.has('UIDONLY')
  if (options.hasMessages === false) return
  if (options.canExpunge) {
    await tellExpunged(view, out, isUidOnly || options.enabled.has('QRESYNC'))
  }
  await tellNew(view, out, options.store)
  tellKeywords(view, out)
  const isCondstore = options.enabled.has('CONDSTORE')
  const namesUid = !isUidOnly && (isCondstore || options.namesUids === true)
  let told = 0
  const changed = view.takeFlags()
  if (options.hasFlags === false) return
  for (const position of changed) {
    // The mirror goes on while a slow client is waited for.
    const row = view.rowAt(position)
    if (row !== -1)
      out.untagged(`${fetchHead(view, position, isUidOnly)}${changedText(view, position, row, isCondstore, namesUid)})`)
    told += 1
    if (told % BATCH === 0 && out.isFull) await out.room()
  }
}

/** With QRESYNC and UIDONLY the UIDs are named instead of the numbers (RFC 7162 section 3.2.10, RFC 9586 sections 3.4, 3.6). */
async function tellExpunged(view: MailboxView, out: Responses, namesUids: boolean): Promise<void> {
  const gone = view.takeExpunged()
  if (namesUids) {
    const uids = gone.map(({ uid }) => uid).reverse()
    if (uids.length > 0) out.untagged(`VANISHED ${formatSequenceSet(uids)}`)
    return
  }
  for (const { sequence } of gone) {
    out.untagged(`${sequence} EXPUNGE`)
    if (out.isFull) await out.room()
  }
}

/** Flags as an unasked FETCH tells them; with CONDSTORE the mod-sequence and, for QRESYNC, the UID beside them. */
function changedText(
  view: MailboxView,
  position: number,
  row: number,
  isCondstore: boolean,
  namesUid: boolean,
): string {
  const flags = `FLAGS ${flagsText(view, position, row)}`
  const known = namesUid ? `UID ${view.uidAt(position)} ${flags}` : flags
  return isCondstore ? `${known} MODSEQ (${view.mirror.columns.modSeqAt(row)})` : known
}

/** Tells the client of messages that came. */
export async function tellNew(view: MailboxView, out: Responses, store: MailStore): Promise<void> {
  const before = view.count
  if (!view.grow()) return
  if (!view.hasRecent) {
    out.untagged(`${view.count} EXISTS`)
    return
  }
  const { account, mailbox } = view.mirror
  const last = view.uidAt(view.count - 1)
  const asking = view.isReadOnly
    ? store.firstRecentUid(account, mailbox.id, { take: false })
    : view.mirror.takeRecent(last)
  const first = await asking.catch((cause: unknown) => {
    if (codeOf(cause) === 'MAILBOX_NOT_FOUND') throw new MailboxGone('the selected mailbox was deleted', { cause })
    throw cause
  })
  view.recent.add(Math.max(first, view.uidAt(before)), last)
  out.untagged(`${view.count} EXISTS`)
  out.untagged(`${recentCount(view)} RECENT`)
}

/** A keyword that the client has not heard of must be named before a message has it (RFC 3501 section 7.2.6). */
export function tellKeywords(view: MailboxView, out: Responses): void {
  const { flagSets } = view.mirror.columns
  if (view.announcedKeywords === flagSets.keywordCount) return
  view.announcedKeywords = flagSets.keywordCount
  out.untagged(`FLAGS (${flagSets.flags.join(' ')})`)
  if (!view.isReadOnly) out.untagged(permanentFlagsText(view))
}

/** RFC 4314 section 5.1.1: whoever checks the rights at every command says when they have changed. @throws MailboxClosed */
function tellRights(view: MailboxView, out: Responses): void {
  if (view.rights === view.toldRights) return
  view.toldRights = view.rights
  if (!view.rights.includes('r')) throw new MailboxClosed('the right to read the selected mailbox was taken away')
  out.untagged(`FLAGS (${view.mirror.columns.flagSets.flags.join(' ')})`)
  out.untagged(permanentFlagsText(view))
}

/** The flags that the user may change for good (RFC 3501 section 7.1; RFC 4314 section 5.1.1). */
export function permanentFlagsText(view: MailboxView): string {
  const { flags } = view.mirror.columns.flagSets
  const permitted = flags.filter((flag) => view.can(rightForFlag(flag)))
  const others = view.can('w') ? ['\\*'] : []
  return `OK [PERMANENTFLAGS (${[...permitted, ...others].join(' ')})] Flags permitted`
}

/** RFC 4314 section 4. */
export function rightForFlag(flag: string): 's' | 't' | 'w' {
  const folded = flag.toLowerCase()
  if (folded === '\\seen') return 's'
  return folded === '\\deleted' ? 't' : 'w'
}

/** Flags of a message as FETCH shows them, `\Recent` among them. */
export function flagsText(view: MailboxView, position: number, row: number): string {
  const { text } = view.mirror.columns.flagSets.get(view.mirror.columns.flagsAt(row))
  if (view.recent.isEmpty || !view.recent.has(view.uidAt(position))) return `(${text})`
  return text === '' ? '(\\Recent)' : `(${text} \\Recent)`
}

/** Messages of the view that are `\Recent`. */
export function recentCount(view: MailboxView): number {
  return view.recent.runs.reduce((total, run) => total + view.countBetween(run.from, run.to), 0)
}
