import { setImmediate as nextTurn } from 'node:timers/promises'
import { codeOf } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { type Completion, ok } from '../completion.ts'
import { expectUpdates, followResults, refuseUpdates } from '../contexts/follow-results.ts'
import { catchUp } from '../known-messages.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import { MailboxView } from '../mailbox-view.ts'
import { Progress } from '../progress.ts'
import { leavesOf } from '../search/evaluate.ts'
import { asksForModSeq, findMessages, highestModSeq, limitSearch } from '../search/find-messages.ts'
import { mailboxesOf } from '../search/mailboxes-of-sources.ts'
import { relevanciesFor } from '../search/relevancy.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import { savedOf, sourceText, tellSource } from '../search/tell-found.ts'
import type { Session } from '../session.ts'
import { parseReturnOptions, type ReturnOptions } from '../wire/return-options.ts'
import { parseSearch, type SearchKey } from '../wire/search-keys.ts'
import { parseSearchSources, type SearchSource } from '../wire/search-sources.ts'
import { SAVED } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

const ALL: ReturnOptions = { names: new Set(['ALL']) }

interface Query {
  readonly key: SearchKey
  readonly options: ReturnOptions
}

/** The part of a search that is done in one mailbox. */
interface Share {
  /** Messages that may still be searched. */
  readonly left: number
  /** Told how many of the mailbox's messages are behind. */
  readonly onProgress: (done: number) => void
}

/** RFC 7377 section 2: a search of several mailboxes, whose results are UIDs. */
export const esearch = command({
  name: 'ESEARCH',
  states: LOGGED_IN,
  parse(args, { limits }) {
    args.space()
    const sources = parseSearchSources(args)
    const options = parseReturnOptions(args, 'SEARCH', limits.items) ?? ALL
    const key = parseSearch(args, limits)
    args.end()
    relevanciesFor(key, options)
    const isSelectedAlone = sources.every(({ kind }) => kind === 'selected')
    if (!isSelectedAlone) {
      if (options.names.has('SAVE')) throw new SyntaxFault('SAVE is for the selected mailbox alone')
      if (leavesOf(key).some(hasNumbers)) throw new SyntaxFault('Numbers are for the selected mailbox alone')
    }
    return { sources, options, key, isSelectedAlone }
  },
  async run({ sources, options, key, isSelectedAlone }, session) {
    // Section 2.2: updates are of the selected mailbox, whatever else is searched.
    const needsSelected = options.update !== undefined || sources.some(({ kind }) => kind === 'selected')
    if (needsSelected && session.view === undefined) throw new SyntaxFault('No mailbox is selected')
    expectUpdates(session, options)
    return isSelectedAlone
      ? searchSelected(session, { key, options })
      : searchSources(session, { key, options }, sources)
  },
})

/** Sequence numbers, and `$`, mean something in the selected mailbox alone. */
function hasNumbers(leaf: ReturnType<typeof leavesOf>[number]): boolean {
  return leaf.kind === 'sequence' || (leaf.kind === 'uid' && leaf.set === SAVED)
}

async function searchSelected(session: Session, { key, options }: Query): Promise<Completion> {
  const relevancies = relevanciesFor(key, options)
  const { saved, selected: view } = session
  const { positions, code } = await findMessages(session, { key, options, relevancies })
  const found = { positions, modSeq: highestModSeq(session, key, positions), scores: relevancies?.byPosition }
  if (options.names.has('SAVE')) session.saved = savedOf(view, found, options)
  tellSource(session, view, found, options)
  follow(session, view, { key, options }, positions, code, saved)
  return ok('Search completed', code)
}

/**
 * The messages of all mailboxes together are those of one command (RFC 9738 section 3): once there are too many, the rest is
 * not searched. Which UID was the lowest says nothing then, but in one mailbox alone.
 */
async function searchSources(session: Session, query: Query, sources: readonly SearchSource[]): Promise<Completion> {
  const { key, options } = query
  if (asksForModSeq(key)) session.enableCondstore()
  const all = await mailboxesOf(session, sources)
  const { messageLimit } = session
  const progress = new Progress(session, undefined)
  let done = 0
  let code: string | undefined
  let hasFollowed = false
  for (const reached of all) {
    session.signal.throwIfAborted()
    const isFollowed = options.update !== undefined && isSelected(session, reached)
    const before = done
    const share = { left: messageLimit - done, onProgress: (behind: number) => progress.tell(before + behind) }
    const { searched, lowest } = isFollowed
      ? await searchFollowed(session, query, share)
      : await searchOther(session, reached, query, share)
    hasFollowed ||= isFollowed
    if (lowest !== undefined) {
      code = `MESSAGELIMIT ${messageLimit}${all.length === 1 ? ` ${lowest}` : ''}`
      break
    }
    done += searched
    if (session.out.isFull) await session.out.room()
    await nextTurn()
  }
  if (options.update !== undefined && !hasFollowed) refuseUpdates(session)
  return ok('Search completed', code)
}

const isSelected = ({ view }: Session, { account, mailbox }: ReachedMailbox): boolean =>
  view?.mirror.account === account && view.mailbox.id === mailbox.id

/** The selected mailbox among others, as its client knows it: its updates go on from there. */
async function searchFollowed(session: Session, query: Query, share: Share): Promise<Searched> {
  await catchUp(session)
  const { selected: view, saved } = session
  const searched = await searchView(session, view, query, share)
  follow(session, view, query, searched.positions, searched.lowest === undefined ? undefined : 'MESSAGELIMIT', saved)
  return searched
}

/** @param code says that not everything was searched */
function follow(
  session: Session,
  view: MailboxView,
  query: Query,
  positions: readonly number[],
  code: string | undefined,
  saved: ReadonlySet<number>,
): void {
  followResults(session, { ...query, isUid: true, positions, code, source: sourceText(session, view) }, saved)
}

interface Searched {
  readonly positions: readonly number[]
  /** Messages that were searched. */
  readonly searched: number
  /** The lowest UID among them, when there were more than there may be. */
  readonly lowest: number | undefined
}

/** One that is gone meanwhile has no results. */
async function searchOther(session: Session, reached: ReachedMailbox, query: Query, share: Share): Promise<Searched> {
  const { services, mailboxes } = session
  const { account, mailbox, namespace } = reached
  try {
    const mirror = await services.mirrors.acquire(account, mailbox)
    const view = new MailboxView(mirror, reached, true, (acl) => mailboxes.rightsIn(namespace, acl))
    try {
      if (!view.rights.includes('r')) return NOTHING
      const first = await services.store.firstRecentUid(account, mailbox.id, { take: false })
      if (view.count > 0) view.recent.add(first, view.uidAt(view.count - 1))
      return await searchView(session, view, query, share)
    } finally {
      view.close()
      services.mirrors.release(mirror)
    }
  } catch (cause) {
    if (codeOf(cause) !== 'MAILBOX_NOT_FOUND') throw cause
    return NOTHING
  }
}

const NOTHING: Searched = { positions: [], searched: 0, lowest: undefined }

async function searchView(
  session: Session,
  view: MailboxView,
  { key, options }: Query,
  { left, onProgress }: Share,
): Promise<Searched> {
  const { services, signal, clock, log } = session
  const scope = {
    ...{ services, signal, clock, log },
    saved: new Set<number>(),
    selected: view,
    messageLimit: left,
  }
  const { positions: within, code } = limitSearch(scope, key)
  const relevancies = relevanciesFor(key, options)
  const positions = await searchMailbox(scope, key, { within, relevancies, onProgress })
  const modSeq = highestModSeq(scope, key, positions)
  tellSource(session, view, { positions, modSeq, scores: relevancies?.byPosition }, options)
  const searched = within?.length ?? view.count
  const lowest = within?.[0]
  if (code === undefined) return { positions, searched, lowest: undefined }
  return { positions, searched, lowest: lowest === undefined ? 0 : view.uidAt(lowest) }
}
