import { setImmediate as nextTurn } from 'node:timers/promises'
import { HIERARCHY_SEPARATOR, type SpecialUse } from 'mailserver'
import { command, LOGGED_IN } from '../command.ts'
import { ok } from '../completion.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import { mayHaveMetadata } from '../metadata-access.ts'
import type { Offer } from '../offer.ts'
import type { Session } from '../session.ts'
import { type ListRequest, parseListRequest } from '../wire/list-arguments.ts'
import { ListPattern, parentsOf } from '../wire/list-pattern.ts'
import { myRightsText } from './acl.ts'
import { tellMetadata } from './metadata.ts'
import { parseStatusItems, tellStatus } from './status.ts'

/**
 * RFC 3501 section 6.3.8, with the attributes of RFC 3348 and RFC 6154, the options of RFC 5258 and the STATUS of
 * RFC 5819.
 */
export const list = command({
  name: 'LIST',
  states: LOGGED_IN,
  parse: (args) => parseListRequest(args, parseStatusItems),
  async run(request, session) {
    if (!request.isExtended && request.patterns[0] === '') {
      // RFC 3501 section 6.3.8: an empty name asks for the separator and the root.
      session.out.untagged(`LIST (\\Noselect) "${HIERARCHY_SEPARATOR}" ""`)
      return ok('List completed')
    }
    const listing = await Listing.of(request, session)
    let looked = 0
    for (const { name, isListed, isChosen } of listing.names()) {
      if (isListed) await tell(session, listing, name, isChosen)
      looked += 1
      if (looked % TURN === 0) await nextTurn()
    }
    return ok('List completed')
  },
})

/** Names that are compared with the patterns before others get their turn. */
const TURN = 100

export const USES: Readonly<Record<SpecialUse, string>> = {
  all: '\\All',
  archive: '\\Archive',
  drafts: '\\Drafts',
  flagged: '\\Flagged',
  junk: '\\Junk',
  sent: '\\Sent',
  trash: '\\Trash',
}

/** @param isChosen it meets the selection, and does not only stand above one that does */
async function tell(session: Session, listing: Listing, name: string, isChosen: boolean): Promise<void> {
  const { out } = session
  out.untagged(
    `LIST (${listing.attributesOf(name)}) "${HIERARCHY_SEPARATOR}" ${session.mailboxName(name)}${listing.dataOf(name)}`,
  )
  const mailbox = isChosen ? listing.mailboxes.get(name) : undefined
  const { status, returnsRights, metadata } = listing.request
  if (mailbox !== undefined && returnsRights) out.untagged(myRightsText(session, mailbox))
  if (metadata !== undefined && mailbox !== undefined && mayHaveMetadata(mailbox)) {
    await tellMetadata(session, mailbox, { entries: metadata, depth: 0, maxSize: Number.POSITIVE_INFINITY })
  }
  // RFC 5819 section 2: of what may not be read there is none.
  if (status !== undefined && mailbox?.rights.includes('r')) await tellStatus(session, mailbox, status)
  if (out.isFull) await out.room()
}

/** The names of one user as one LIST sees them. */
class Listing {
  readonly #offer: Offer
  readonly request: ListRequest
  readonly mailboxes: ReadonlyMap<string, ReachedMailbox>
  readonly #subscribed: ReadonlySet<string>
  readonly #patterns: readonly ListPattern[]
  /** Names above an existing mailbox, themselves existing or not. */
  readonly #parents: ReadonlySet<string>
  /** Names above one that meets the selection. */
  readonly #chosenParents: ReadonlySet<string>

  private constructor(
    offer: Offer,
    request: ListRequest,
    patterns: readonly ListPattern[],
    mailboxes: readonly ReachedMailbox[],
    subscribed: readonly string[],
  ) {
    this.#offer = offer
    this.request = request
    this.mailboxes = new Map(mailboxes.map((mailbox) => [mailbox.name, mailbox]))
    this.#subscribed = new Set(subscribed)
    this.#patterns = patterns
    this.#parents = new Set(mailboxes.flatMap(({ name }) => parentsOf(name)))
    this.#chosenParents = new Set(request.isRecursive ? [...this.#chosen()].flatMap(parentsOf) : [])
  }

  static async of(request: ListRequest, { services, account, mailboxes: access, offer }: Session): Promise<Listing> {
    const patterns = request.patterns.map((pattern) => new ListPattern(request.reference, pattern))
    const needsSubscriptions = request.selectsSubscribed || request.returnsSubscribed
    const [mailboxes, subscribed] = await Promise.all([
      access.listed(commonHead(patterns.map(({ head }) => head))),
      needsSubscriptions ? services.store.subscriptions(account) : [],
    ])
    return new Listing(offer, request, patterns, mailboxes, subscribed)
  }

  /** Every name that could be listed, and whether it is: the caller gives others their turn between them. */
  *names(): Generator<{ readonly name: string; readonly isListed: boolean; readonly isChosen: boolean }> {
    const { selectsSubscribed, selectsSpecialUse, isRecursive } = this.request
    const told = new Set<string>()
    for (const name of this.#chosen()) {
      const isListed = this.#matches(name)
      if (isListed) told.add(name)
      yield { name, isListed, isChosen: true }
    }
    // Levels without a mailbox of their own, whose children live on; and, asked for, what stands above a chosen name.
    const above = selectsSubscribed || selectsSpecialUse ? (isRecursive ? this.#chosenParents : []) : this.#parents
    for (const name of above) yield { name, isListed: !told.has(name) && this.#matches(name), isChosen: false }
  }

  attributesOf(name: string): string {
    const mailbox = this.mailboxes.get(name)
    const attributes: string[] = []
    if (mailbox === undefined) attributes.push(this.request.isExtended ? '\\NonExistent' : '\\Noselect')
    if (this.#offer.has('CHILDREN')) {
      if (this.#parents.has(name)) attributes.push('\\HasChildren')
      else if (mailbox !== undefined) attributes.push('\\HasNoChildren')
    }
    const use = specialUseOf(mailbox)
    if (use !== undefined && this.#offer.has('SPECIAL-USE')) attributes.push(USES[use])
    if (this.#subscribed.has(name)) attributes.push('\\Subscribed')
    return attributes.join(' ')
  }

  /** RFC 5258 section 4: which selection a name below this one meets. */
  dataOf(name: string): string {
    if (!this.#chosenParents.has(name)) return ''
    const { selectsSubscribed, selectsSpecialUse } = this.request
    const criteria = [...(selectsSubscribed ? ['"SUBSCRIBED"'] : []), ...(selectsSpecialUse ? ['"SPECIAL-USE"'] : [])]
    return ` ("CHILDINFO" (${criteria.join(' ')}))`
  }

  /** Names that meet the selection, whatever the patterns. */
  *#chosen(): Generator<string> {
    const { selectsSubscribed, selectsSpecialUse } = this.request
    const names = selectsSubscribed ? this.#subscribed : this.mailboxes.keys()
    for (const name of names) {
      if (!selectsSpecialUse || specialUseOf(this.mailboxes.get(name)) !== undefined) yield name
    }
  }

  #matches(name: string): boolean {
    return this.#patterns.some((pattern) => pattern.matches(name))
  }
}

/** What another user keeps sent mail in is not what this one does. */
export function specialUseOf(reached: ReachedMailbox | undefined): SpecialUse | undefined {
  return reached?.namespace.kind === 'personal' ? reached.mailbox.specialUse : undefined
}

/** What all of these begin with. */
function commonHead([first = '', ...others]: readonly string[]): string {
  let length = first.length
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length -= 1
  return first.slice(0, length)
}
