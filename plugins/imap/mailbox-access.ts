import {
  type Account,
  type AccountId,
  type Acl,
  ALL_RIGHTS,
  addressKey,
  codeOf,
  type Directory,
  formatAddress,
  HIERARCHY_SEPARATOR,
  type Mailbox,
  MailError,
  type MailStore,
  parseAddress,
  type Rights,
  rightsOf,
} from 'mailserver'
import { NoPermission } from './no-permission.ts'
import { isAdministrator, OTHER_USERS, SHARED, type Sharing } from './sharing.ts'
import { parentsOf } from './wire/list-pattern.ts'

/** Where the names of one owner's mailboxes stand for this user. */
export interface Namespace {
  readonly kind: 'personal' | 'other' | 'shared'
  readonly account: AccountId
  /** In front of the owner's own names; empty for the user's own mailboxes. */
  readonly prefix: string
}

/** Where a name leads, whether or not there is a mailbox. */
export interface MailboxPlace {
  readonly namespace: Namespace
  /** As its owner names it. */
  readonly name: string
}

/** A mailbox as this user has it: every command that names one works with this. */
export interface ReachedMailbox {
  readonly namespace: Namespace
  /** The owner. */
  readonly account: AccountId
  /** As it is in the owner's account. */
  readonly mailbox: Mailbox
  /** As this user names it. */
  readonly name: string
  readonly rights: Rights
}

export interface MailboxAccessServices {
  readonly store: MailStore
  readonly directory: Directory
}

/** With one of these a user may know that the mailbox is there (RFC 4314 section 4). */
const KNOWING = 'lrikxa'

/**
 * The one way from a name to a mailbox, and to what the user may do with it. A mailbox that the user may not know of does
 * not exist. One's own mailboxes are one namespace among others, the one that asks for nothing.
 */
export class MailboxAccess {
  readonly user: Account
  readonly isAdministrator: boolean
  readonly #services: MailboxAccessServices
  readonly #sharing: Sharing
  readonly #personal: Namespace

  constructor(services: MailboxAccessServices, sharing: Sharing, user: Account) {
    this.#services = services
    this.#sharing = sharing
    this.user = user
    this.isAdministrator = isAdministrator(sharing, user)
    this.#personal = { kind: 'personal', account: user.id, prefix: '' }
  }

  /** The first level of the shared namespace; undefined when there is none for this user. */
  get sharedName(): string | undefined {
    const { shared } = this.#sharing
    return shared === undefined || addressKey(shared) === addressKey(this.user.address) ? undefined : SHARED
  }

  /** undefined when the name can lead nowhere: a level of a namespace itself, or a user that is not there. */
  async placeOf(name: string): Promise<MailboxPlace | undefined> {
    const [first, second, ...rest] = name.split(HIERARCHY_SEPARATOR)
    if (first === OTHER_USERS) {
      const namespace = await this.#namespaceOfUser(second ?? '')
      return namespace === undefined || rest.length === 0 ? undefined : placeIn(namespace, name)
    }
    if (first === this.sharedName) {
      const namespace = await this.#sharedNamespace()
      return namespace === undefined || second === undefined ? undefined : placeIn(namespace, name)
    }
    return { namespace: this.#personal, name }
  }

  /** undefined when there is none that the user may know of. */
  async find(name: string): Promise<ReachedMailbox | undefined> {
    const place = await this.placeOf(name)
    if (place === undefined) return undefined
    const { namespace } = place
    try {
      const reached = this.#reached(namespace, await this.#services.store.mailbox(namespace.account, place.name))
      return hasAny(reached.rights, KNOWING) ? reached : undefined
    } catch (cause) {
      if (codeOf(cause) === 'MAILBOX_NOT_FOUND') return undefined
      throw cause
    }
  }

  /** The mailbox, and all of these rights on it. @throws MailError MAILBOX_NOT_FOUND, NoPermission */
  async reach(name: string, rights: Rights): Promise<ReachedMailbox> {
    const reached = await this.find(name)
    if (reached === undefined) throw notFound(name)
    demand(reached, rights)
    return reached
  }

  /** Where a new mailbox is made: the right to is one of the nearest mailbox above (RFC 4314 section 4). @throws NoPermission */
  async placeToCreate(name: string): Promise<MailboxPlace> {
    const place = await this.placeOf(name)
    if (place?.namespace.kind === 'personal') return place
    // Nobody is told which users there are.
    if (place === undefined) throw new NoPermission(`nobody makes mailboxes in ${name}`)
    const { namespace } = place
    const existing = new Map((await this.#services.store.mailboxes(namespace.account)).map((one) => [one.name, one]))
    const parent = parentsOf(place.name).findLast((above) => existing.has(above))
    const acl = parent === undefined ? undefined : existing.get(parent)?.acl
    if (!this.rightsIn(namespace, acl).includes('k')) throw new NoPermission(`k is needed above ${name}`)
    return place
  }

  /** What the user may do with a mailbox of this namespace. */
  rightsIn({ kind }: Namespace, acl: Acl | undefined): Rights {
    if (kind === 'personal' || (kind === 'shared' && this.isAdministrator)) return ALL_RIGHTS
    return rightsOf(acl, this.user.id)
  }

  /** Own mailboxes. */
  async personal(): Promise<readonly ReachedMailbox[]> {
    const mailboxes = await this.#services.store.mailboxes(this.user.id)
    return mailboxes.map((mailbox) => this.#reached(this.#personal, mailbox))
  }

  /** Mailboxes of all namespaces that a name which begins with `head` can lead to, and that the user may list. */
  async listed(head = ''): Promise<readonly ReachedMailbox[]> {
    const namespaces = await this.namespaces(head)
    const all = await Promise.all(
      namespaces.map((namespace) => (namespace.kind === 'personal' ? this.personal() : this.#listedIn(namespace))),
    )
    return all.flat()
  }

  /** Namespaces with something in them for this user, of those that a name which begins with `head` can lead to. */
  async namespaces(head = ''): Promise<readonly Namespace[]> {
    const found: Namespace[] = [this.#personal]
    const shared = leadsTo(head, this.sharedName) ? await this.#sharedNamespace() : undefined
    if (shared !== undefined) found.push(shared)
    if (leadsTo(head, OTHER_USERS)) {
      for (const account of await this.#services.store.sharers(this.user.id)) {
        const namespace = await this.#namespaceOfAccount(account)
        if (namespace?.kind === 'other') found.push(namespace)
      }
    }
    return found
  }

  /** The namespace of another account's mailboxes; undefined when that account is gone. */
  async #namespaceOfAccount(account: AccountId): Promise<Namespace | undefined> {
    const owner = await this.#services.directory.account(account)
    if (owner === undefined) return undefined
    const { shared } = this.#sharing
    if (shared !== undefined && addressKey(shared) === addressKey(owner.address)) return this.#sharedNamespace()
    return namespaceOf(owner)
  }

  async #namespaceOfUser(text: string): Promise<Namespace | undefined> {
    const address = parseAddress(text.replace(/%2f/gi, '/').replaceAll('%25', '%'))
    const owner = address === undefined ? undefined : await this.#services.directory.accountByAddress(address)
    return owner === undefined || owner.id === this.user.id ? undefined : namespaceOf(owner)
  }

  async #sharedNamespace(): Promise<Namespace | undefined> {
    const { shared } = this.#sharing
    if (shared === undefined || this.sharedName === undefined) return undefined
    const owner = await this.#services.directory.accountByAddress(shared)
    return owner === undefined ? undefined : { kind: 'shared', account: owner.id, prefix: `${SHARED}/` }
  }

  async #listedIn(namespace: Namespace): Promise<readonly ReachedMailbox[]> {
    const mailboxes = await this.#services.store.mailboxes(namespace.account)
    return mailboxes.map((mailbox) => this.#reached(namespace, mailbox)).filter(({ rights }) => rights.includes('l'))
  }

  #reached(namespace: Namespace, mailbox: Mailbox): ReachedMailbox {
    const { account, prefix } = namespace
    return { namespace, account, mailbox, name: prefix + mailbox.name, rights: this.rightsIn(namespace, mailbox.acl) }
  }
}

/**
 * Without the right to look a mailbox up, one that is refused is one that is not there (RFC 4314 section 6).
 * @throws MailError MAILBOX_NOT_FOUND, NoPermission
 */
export function demand({ rights, name }: ReachedMailbox, needed: Rights): void {
  const missing = [...needed].filter((right) => !rights.includes(right)).join('')
  if (missing === '') return
  throw rights.includes('l') ? new NoPermission(`${missing} is needed on ${name}`) : notFound(name)
}

export function hasAny(rights: Rights, wanted: Rights): boolean {
  return [...wanted].some((right) => rights.includes(right))
}

function notFound(name: string): MailError {
  return new MailError('MAILBOX_NOT_FOUND', `there is no mailbox ${JSON.stringify(name)}`)
}

/** The owner's own name, behind as many octets as the prefix has: the user's part is read without regard to case. */
function placeIn(namespace: Namespace, name: string): MailboxPlace {
  const levels = namespace.prefix.split(HIERARCHY_SEPARATOR).length - 1
  return { namespace, name: name.split(HIERARCHY_SEPARATOR).slice(levels).join(HIERARCHY_SEPARATOR) }
}

/** An address is one level, whatever characters it has. */
function namespaceOf({ id, address }: Account): Namespace {
  const level = formatAddress(address).replaceAll('%', '%25').replaceAll('/', '%2F')
  return { kind: 'other', account: id, prefix: `${OTHER_USERS}/${level}/` }
}

function leadsTo(head: string, name: string | undefined): boolean {
  return name !== undefined && (name.startsWith(head) || head.startsWith(name))
}
