import type { MailboxId } from 'mailserver'
import { specialUseOf, USES } from '../commands/list.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { MailboxFilter } from '../wire/notify-arguments.ts'

/** A mailbox of any account. */
export const keyOf = (account: string, mailbox: MailboxId): string => `${account} ${mailbox}`

/** The mailboxes that a user may list, and the names subscribed to, at one moment. */
export class MailboxNames {
  readonly mailboxes: ReadonlyMap<string, ReachedMailbox>
  readonly subscribed: ReadonlySet<string>
  readonly #byName: ReadonlyMap<string, ReachedMailbox>

  constructor(mailboxes: readonly ReachedMailbox[], subscribed: readonly string[]) {
    this.mailboxes = new Map(mailboxes.map((one) => [keyOf(one.account, one.mailbox.id), one]))
    this.subscribed = new Set(subscribed)
    this.#byName = new Map(mailboxes.map((one) => [one.name, one]))
  }

  /** @param isPersonal only the user's own are of interest */
  static async read({ mailboxes, services, account }: Session, isPersonal: boolean): Promise<MailboxNames> {
    return new MailboxNames(
      await (isPersonal ? mailboxes.personal() : mailboxes.listed()),
      await services.store.subscriptions(account),
    )
  }

  get(name: string): ReachedMailbox | undefined {
    return this.#byName.get(name)
  }

  /** A LIST response with accurate attributes (RFC 5465 sections 5.4, 5.5). */
  listText(session: Session, name: string, oldName?: string): string {
    const reached = this.get(name)
    const attributes = [
      ...(reached === undefined ? ['\\NonExistent'] : []),
      ...this.#childrenOf(name, reached !== undefined),
    ]
    const use = specialUseOf(reached)
    if (use !== undefined) attributes.push(USES[use])
    if (this.subscribed.has(name)) attributes.push('\\Subscribed')
    const old = oldName === undefined ? '' : ` ("OLDNAME" (${session.mailboxName(oldName)}))`
    return `LIST (${attributes.join(' ')}) "/" ${session.mailboxName(name)}${old}`
  }

  /** Is the name one that the filter is about, whether or not there is such a mailbox now? */
  matches(filter: MailboxFilter, name: string, isPersonal: boolean): boolean {
    switch (filter.kind) {
      case 'personal':
      // Rules may deliver to any mailbox: section 6.3 has this be the same.
      case 'inboxes':
        return isPersonal
      case 'subscribed':
        return this.subscribed.has(name)
      case 'subtree':
        return filter.names.some((one) => name === one || name.startsWith(`${one}/`))
      case 'mailboxes':
        return filter.names.includes(name)
      default:
        return false
    }
  }

  #childrenOf(name: string, isMailbox: boolean): readonly string[] {
    for (const other of this.#byName.keys()) if (other.startsWith(`${name}/`)) return ['\\HasChildren']
    return isMailbox ? ['\\HasNoChildren'] : []
  }
}

/** What happened to one name. */
export interface NameChange {
  readonly name: string
  readonly isPersonal: boolean
  readonly oldName?: string
  /** The name is not there any more. */
  readonly isGone: boolean
}

/** Names that came, went or changed. A mailbox below a renamed one is not named beside it (RFC 5465 section 5.4). */
export function nameChanges(before: MailboxNames, after: MailboxNames): readonly NameChange[] {
  const changes: NameChange[] = []
  for (const [key, one] of before.mailboxes) {
    if (!after.mailboxes.has(key)) changes.push({ name: one.name, isPersonal: isPersonal(one), isGone: true })
  }
  const renamed: NameChange[] = []
  for (const [key, one] of after.mailboxes) {
    const old = before.mailboxes.get(key)
    if (old === undefined) changes.push({ name: one.name, isPersonal: isPersonal(one), isGone: false })
    else if (old.name !== one.name) {
      renamed.push({ name: one.name, oldName: old.name, isPersonal: isPersonal(one), isGone: false })
    }
  }
  return [...changes, ...renamed.filter((one) => !renamed.some((other) => isCarriedBy(one, other)))]
}

/** Subscriptions that were made or given up. */
export function subscriptionChanges(before: MailboxNames, after: MailboxNames): readonly string[] {
  return [
    ...[...before.subscribed].filter((name) => !after.subscribed.has(name)),
    ...[...after.subscribed].filter((name) => !before.subscribed.has(name)),
  ]
}

const isPersonal = ({ namespace }: ReachedMailbox): boolean => namespace.kind === 'personal'

function isCarriedBy({ name, oldName = '' }: NameChange, other: NameChange): boolean {
  const suffix = name.slice(other.name.length)
  return suffix.startsWith('/') && name === other.name + suffix && oldName === `${other.oldName}${suffix}`
}
