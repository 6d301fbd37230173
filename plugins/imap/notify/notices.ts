import { statusText } from '../commands/status.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import type { NotifyEvent } from '../wire/notify-arguments.ts'
import { type MailboxNames, type NameChange, nameChanges, subscriptionChanges } from './mailbox-names.ts'
import { itemsAtFirst, itemsOfEvents } from './status-items.ts'
import type { WantedEvents } from './wanted-events.ts'

/** What was asked for, and the mailboxes as they are: undefined when no mailbox is followed. */
export interface Followed {
  readonly wanted: WantedEvents
  readonly names: MailboxNames | undefined
}

/** Says what the client is told unasked: names, numbers and annotations of mailboxes (RFC 5465 section 5). */
export class Notices {
  readonly #session: Session
  /** Mailboxes that the client was told it cannot read. */
  readonly #withoutAccess = new Set<string>()

  constructor(session: Session) {
    this.#session = session
  }

  /** What is said of a mailbox when it begins to be followed (section 3.1). */
  async begin(reached: ReachedMailbox, { wanted, names }: Followed, wantsStatus: boolean): Promise<void> {
    const { view, out, offer } = this.#session
    const { name, account, mailbox, rights } = reached
    if (wanted.askedOf(reached, names).size === 0) return
    if (!rights.includes('r')) {
      this.#tellNoAccess(name)
      return
    }
    if (!wantsStatus || (view?.mirror.account === account && view.mailbox.id === mailbox.id)) return
    const items = itemsAtFirst(wanted.eventsOf(reached, names), offer.has('CONDSTORE'))
    if (items.size > 0) await this.#tellStatus(reached, items)
    if (out.isFull) await out.room()
  }

  /** @param own names that the client changed itself */
  tellNames(wanted: WantedEvents, before: MailboxNames, after: MailboxNames, own: readonly string[]): void {
    for (const change of nameChanges(before, after)) {
      if (!own.includes(change.name)) this.#tellName(change, wanted, before, after)
    }
    for (const name of subscriptionChanges(before, after)) {
      if (own.includes(name) || !wanted.hasFor('SubscriptionChange', name, isOwnName(name), before, after)) continue
      this.#session.out.untagged(after.listText(this.#session, name))
    }
  }

  #tellName(change: NameChange, wanted: WantedEvents, before: MailboxNames, after: MailboxNames): void {
    const { out } = this.#session
    const { name, oldName, isPersonal, isGone } = change
    if (wanted.hasFor('MailboxName', name, isPersonal, before, after)) {
      out.untagged(after.listText(this.#session, name, oldName))
      // Section 5.4: the level above is affected by what comes and goes below it.
      const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')))
      if (oldName === undefined && after.get(parent) !== undefined) out.untagged(after.listText(this.#session, parent))
    } else if (!isPersonal && wanted.hasFor('MessageNew', name, isPersonal, before, after)) {
      // Section 5.9: it can be followed no longer, or again.
      if (isGone) this.#tellNoAccess(name)
      else if (this.#withoutAccess.delete(name)) out.untagged(after.listText(this.#session, name))
    }
  }

  #tellNoAccess(name: string): void {
    this.#withoutAccess.add(name)
    this.#session.out.untagged(`LIST (\\NoAccess) "/" ${this.#session.mailboxName(name)}`)
  }

  async tellMessages(
    events: Iterable<readonly [key: string, happened: ReadonlySet<NotifyEvent>]>,
    followed: () => Followed,
  ): Promise<void> {
    const { out, enabled } = this.#session
    for (const [key, happened] of events) {
      const { wanted, names } = followed()
      const reached = names?.mailboxes.get(key)
      if (reached === undefined) continue
      const asked = wanted.eventsOf(reached, names)
      const told = [...happened].filter((event) => asked.has(event))
      const items = itemsOfEvents(told, enabled.has('CONDSTORE'))
      if (items.size > 0) await this.#tellStatus(reached, items)
      if (out.isFull) await out.room()
    }
  }

  async #tellStatus(reached: ReachedMailbox, items: ReadonlySet<string>): Promise<void> {
    const text = await statusText(this.#session, reached, [...items])
    // undefined: it went in the meantime, of which another event tells.
    if (text !== undefined) this.#session.out.untagged(text)
  }

  /** RFC 5464 section 4.4.2. */
  tellMetadata(
    events: Iterable<readonly [key: string, entries: ReadonlySet<string>]>,
    { wanted, names }: Followed,
  ): void {
    for (const [key, entries] of events) {
      const reached = names?.mailboxes.get(key)
      const isWanted =
        key === ''
          ? wanted.has('ServerMetadataChange')
          : reached !== undefined &&
            (wanted.hasEverywhere('MailboxMetadataChange') ||
              wanted.eventsOf(reached, names).has('MailboxMetadataChange'))
      if (!isWanted) continue
      this.#session.out.untagged(`METADATA ${this.#session.mailboxName(reached?.name ?? '')} ${[...entries].join(' ')}`)
    }
  }
}

/** Subscriptions are names; those of others begin with a level of their own. */
const isOwnName = (name: string): boolean => !/^(Other Users|Shared)\//.test(name)
