import { HIERARCHY_SEPARATOR } from 'mailserver'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { SearchSource } from '../wire/search-sources.ts'

/**
 * The mailboxes that are to be searched, each once, whatever names it (RFC 7377 section 2.2). Those that are not there or may
 * not be read are left out, and so are those that may not be listed, unless they are named themselves.
 */
export async function mailboxesOf(
  session: Session,
  sources: readonly SearchSource[],
): Promise<readonly ReachedMailbox[]> {
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
  const found = listed.filter((one) => sources.some((source) => isWanted(one, source)))
  const unlisted = await namedAlone(session, sources, new Set(listed.map(({ name }) => name)))
  return [...found, ...unlisted].filter(({ rights }) => rights.includes('r'))
}

/** Mailboxes that are named, or selected, and cannot be listed. */
async function namedAlone(
  { mailboxes, view }: Session,
  sources: readonly SearchSource[],
  listed: ReadonlySet<string>,
): Promise<readonly ReachedMailbox[]> {
  const names = sources.flatMap((source) => {
    if (source.kind === 'mailboxes') return source.names
    return source.kind === 'selected' && view !== undefined ? [view.name] : []
  })
  const found: ReachedMailbox[] = []
  for (const name of new Set(names)) {
    const reached = listed.has(name) ? undefined : await mailboxes.find(name)
    // One that stands under another name as well is there already.
    if (reached !== undefined && !listed.has(reached.name)) found.push(reached)
  }
  return found
}

function isBelow(name: string, root: string, isOneLevel: boolean): boolean {
  if (name === root) return true
  const rest = name.startsWith(`${root}${HIERARCHY_SEPARATOR}`) ? name.slice(root.length + 1) : undefined
  return rest !== undefined && !(isOneLevel && rest.includes(HIERARCHY_SEPARATOR))
}
