import type { MailStore } from 'mailserver'
import type { MailboxView } from './mailbox-view.ts'
import type { Responses } from './responses.ts'

/** The selected mailbox was deleted by another session: this one cannot go on. */
export class MailboxGone extends Error {
  override readonly name = 'MailboxGone'
}

export interface UpdateOptions {
  readonly store: MailStore
  /** EXPUNGE may be said (RFC 3501 section 7.4.1). */
  readonly canExpunge: boolean
}

/** How many FETCH responses are made before others get their turn. */
const BATCH = 1000

/**
 * Tells the client what happened in its mailbox since it was last told: EXPUNGE first, then EXISTS and RECENT, then flags.
 * @throws MailboxGone, PeerGone
 */
export async function tellUpdates(view: MailboxView, out: Responses, options: UpdateOptions): Promise<void> {
  if (!view.hasUpdates) return
  if (view.mirror.isDeleted) throw new MailboxGone('the selected mailbox was deleted')
  if (options.canExpunge) {
    for (const { sequence } of view.takeExpunged()) {
      out.untagged(`${sequence} EXPUNGE`)
      if (out.isFull) await out.room()
    }
  }
  await tellNew(view, out, options.store)
  tellKeywords(view, out)
  let told = 0
  for (const position of view.takeFlags()) {
    // The mirror goes on while a slow client is waited for.
    const row = view.rowAt(position)
    if (row !== -1) out.untagged(`${position + 1} FETCH (FLAGS ${flagsText(view, position, row)})`)
    told += 1
    if (told % BATCH === 0 && out.isFull) await out.room()
  }
}

/** Tells the client of messages that came. */
export async function tellNew(view: MailboxView, out: Responses, store: MailStore): Promise<void> {
  const before = view.count
  if (!view.grow()) return
  const { account, mailbox } = view.mirror
  const first = await store.firstRecentUid(account, mailbox.id, { take: !view.isReadOnly })
  const last = view.uidAt(view.count - 1)
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
  if (!view.isReadOnly) out.untagged(`OK [PERMANENTFLAGS (${flagSets.flags.join(' ')} \\*)] Flags permitted`)
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
