import type { ReachedMailbox } from '../mailbox-access.ts'
import type { EventGroup, NotifyEvent } from '../wire/notify-arguments.ts'
import type { MailboxNames } from './mailbox-names.ts'

/** Of which mailboxes the client wants to be told what: by NOTIFY's groups, and by ENABLE METADATA. */
export class WantedEvents {
  readonly groups: readonly EventGroup[]
  readonly #enabled: ReadonlySet<NotifyEvent>

  /** @param enabled of every mailbox that the user may read */
  constructor(groups: readonly EventGroup[] = [], enabled: Iterable<NotifyEvent> = []) {
    this.groups = groups
    this.#enabled = new Set(enabled)
  }

  /** NOTIFY replaces what was asked for before. */
  withGroups(groups: readonly EventGroup[]): WantedEvents {
    return new WantedEvents(groups, this.#enabled)
  }

  withEnabled(events: readonly NotifyEvent[]): WantedEvents {
    return new WantedEvents(this.groups, [...this.#enabled, ...events])
  }

  /** Of some mailbox, or of the server. */
  has(event: NotifyEvent): boolean {
    return this.#enabled.has(event) || this.groups.some(({ events }) => events.has(event))
  }

  /** Of every mailbox. */
  hasEverywhere(event: NotifyEvent): boolean {
    return this.#enabled.has(event)
  }

  /** Something beyond the selected mailbox is meant. */
  get needsNames(): boolean {
    return (
      this.#enabled.has('MailboxMetadataChange') ||
      this.groups.some(({ filter }) => !filter.kind.startsWith('selected'))
    )
  }

  /** Others are asked only when something beyond the user's own mailboxes can be meant. */
  get isPersonal(): boolean {
    return this.groups.every(({ filter }) => /^(personal|inboxes|selected|selected-delayed)$/.test(filter.kind))
  }

  /** Did somebody ask for the event of this name, as things were or as they are? */
  hasFor(event: NotifyEvent, name: string, isPersonal: boolean, ...moments: readonly MailboxNames[]): boolean {
    return this.groups.some(
      ({ filter, events }) => events.has(event) && moments.some((names) => names.matches(filter, name, isPersonal)),
    )
  }

  /** What somebody asked for of this mailbox, whether or not its rights let it be told. */
  askedOf({ name, namespace }: ReachedMailbox, names: MailboxNames | undefined): ReadonlySet<NotifyEvent> {
    const isPersonal = namespace.kind === 'personal'
    const groups = this.groups.filter(({ filter }) => names?.matches(filter, name, isPersonal))
    return new Set(groups.flatMap(({ events }) => [...events]))
  }

  /** What is told of this mailbox. */
  eventsOf(reached: ReachedMailbox, names: MailboxNames | undefined): ReadonlySet<NotifyEvent> {
    // RFC 5465 section 5: all events need both.
    return reached.rights.includes('r') ? this.askedOf(reached, names) : NO_EVENTS
  }
}

const NO_EVENTS: ReadonlySet<NotifyEvent> = new Set()
