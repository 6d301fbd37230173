import { setImmediate as nextTurn } from 'node:timers/promises'
import { codeOf, HIERARCHY_SEPARATOR } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import { MailboxView } from '../mailbox-view.ts'
import { leavesOf } from '../search/evaluate.ts'
import { searchMailbox } from '../search/search-mailbox.ts'
import { savedOf, tellSource } from '../search/tell-found.ts'
import type { Session } from '../session.ts'
import { parseReturnOptions, type ReturnOptions } from '../wire/return-options.ts'
import { parseSearch, type SearchKey } from '../wire/search-keys.ts'
import { parseSearchSources, type SearchSource } from '../wire/search-sources.ts'
import { SAVED } from '../wire/sequence-set.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'
import { asksForModSeq, findPositions, highestModSeq, relevanciesFor } from './search.ts'

const ALL: ReturnOptions = { names: new Set(['ALL']) }

/** RFC 7377 section 2: a search of several mailboxes, whose results are UIDs. */
export const esearch = command({
  name: 'ESEARCH',
  states: LOGGED_IN,
  parse(args, { limits }) {
    args.space()
    const sources = parseSearchSources(args)
    const options = parseReturnOptions(args) ?? ALL
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
    if (sources.some(({ kind }) => kind === 'selected') && session.view === undefined) {
      throw new SyntaxFault('No mailbox is selected')
    }
    if (isSelectedAlone) await searchSelected(session, key, options)
    else {
      if (asksForModSeq(key)) session.enableCondstore()
      for (const reached of await mailboxesOf(session, sources)) {
        session.signal.throwIfAborted()
        await searchOther(session, reached, key, options)
        if (session.out.isFull) await session.out.room()
        await nextTurn()
      }
    }
    return ok('Search completed')
  },
})

/** Sequence numbers, and `$`, mean something in the selected mailbox alone. */
function hasNumbers(leaf: ReturnType<typeof leavesOf>[number]): boolean {
  return leaf.kind === 'sequence' || (leaf.kind === 'uid' && leaf.set === SAVED)
}

async function searchSelected(session: Session, key: SearchKey, options: ReturnOptions): Promise<void> {
  const relevancies = relevanciesFor(key, options)
  const positions = await findPositions(session, key, options, relevancies)
  const { selected: view } = session
  const found = { positions, modSeq: highestModSeq(session, key, positions), scores: relevancies?.byPosition }
  if (options.names.has('SAVE')) session.saved = savedOf(view, found, options)
  tellSource(session, view, view.mirror.mailbox, found, options)
}

/** One that is gone meanwhile has no results. */
async function searchOther(
  session: Session,
  reached: ReachedMailbox,
  key: SearchKey,
  options: ReturnOptions,
): Promise<void> {
  const { services, signal, clock, log, out, tag, offer, mailboxes } = session
  const { account, mailbox, namespace } = reached
  try {
    const mirror = await services.mirrors.acquire(account, mailbox)
    const view = new MailboxView(mirror, reached, true, (acl) => mailboxes.rightsIn(namespace, acl))
    try {
      if (!view.rights.includes('r')) return
      const first = await services.store.firstRecentUid(account, mailbox.id, { take: false })
      if (view.count > 0) view.recent.add(first, view.uidAt(view.count - 1))
      const scope = { services, signal, clock, log, out, tag, offer, saved: new Set<number>(), selected: view }
      const relevancies = relevanciesFor(key, options)
      const positions = await searchMailbox(scope, key, { relevancies })
      const modSeq = highestModSeq(scope, key, positions)
      tellSource(session, view, mailbox, { positions, modSeq, scores: relevancies?.byPosition }, options)
    } finally {
      view.close()
      services.mirrors.release(mirror)
    }
  } catch (cause) {
    if (codeOf(cause) !== 'MAILBOX_NOT_FOUND') throw cause
  }
}

/** Each once, whatever names it; those that are not there or may not be read are left out (section 2.2). */
async function mailboxesOf(session: Session, sources: readonly SearchSource[]): Promise<readonly ReachedMailbox[]> {
  const { mailboxes, services, account, view } = session
  const listed = await mailboxes.listed()
  const subscribed = new Set(
    sources.some(({ kind }) => kind === 'subscribed') ? await services.store.subscriptions(account) : [],
  )
  const selected = view && (await mailboxes.find(view.name))
  const isWanted = (one: ReachedMailbox, source: SearchSource): boolean => {
    switch (source.kind) {
      case 'selected':
        return one.mailbox.id === selected?.mailbox.id && one.account === selected.account
      // Rules may deliver to any mailbox: RFC 5465 section 6.3 has this be the same.
      case 'inboxes':
      case 'personal':
        return one.namespace.kind === 'personal'
      case 'subscribed':
        return subscribed.has(one.name)
      case 'mailboxes':
        return source.names.includes(one.name)
      default:
        return source.names.some((root) => isBelow(one.name, root, source.kind === 'subtree-one'))
    }
  }
  return listed.filter((one) => one.rights.includes('r') && sources.some((source) => isWanted(one, source)))
}

function isBelow(name: string, root: string, isOneLevel: boolean): boolean {
  if (name === root) return true
  const rest = name.startsWith(`${root}${HIERARCHY_SEPARATOR}`) ? name.slice(root.length + 1) : undefined
  return rest !== undefined && !(isOneLevel && rest.includes(HIERARCHY_SEPARATOR))
}
