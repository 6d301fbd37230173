import { type AccountId, type MailboxEvent, type MailboxId, SERVER_ACCOUNT } from 'mailserver'
import { statusText } from '../commands/status.ts'
import type { ReachedMailbox } from '../mailbox-access.ts'
import type { Session } from '../session.ts'
import { tellSelected } from '../tell-selected.ts'
import { formatEntryName } from '../wire/metadata-entries.ts'
import type { EventGroup, NotifyEvent } from '../wire/notify-arguments.ts'
import { AccountWatches } from './account-watches.ts'
import { keyOf, MailboxNames, type NameChange, nameChanges, subscriptionChanges } from './mailbox-names.ts'
import { NOTHING_SELECTED, selectedEventsOf } from './selected-events.ts'
import { itemsAtFirst, itemsOfEvents } from './status-items.ts'
import { WantedEvents } from './wanted-events.ts'

/** Accounts that one session follows, and things it has not been told of yet. */
const MAX_ACCOUNTS = 50
const MAX_PENDING = 1000
/** Mailboxes that one session follows. */
const MAX_MAILBOXES = 20_000

/** More is asked for than the server will follow (RFC 5465 section 3.1). */
export class TooMuchToFollow extends Error {
  override readonly name = 'TooMuchToFollow'
}

type MessageOrMetadata = Exclude<MailboxEvent, { kind: 'mailboxes' }>
type MessageKind = Exclude<MessageOrMetadata['kind'], 'metadata'>

const EVENT_OF = {
  appended: 'MessageNew',
  expunged: 'MessageExpunge',
  flags: 'FlagChange',
} as const satisfies Record<MessageKind, NotifyEvent>

/**
 * Tells a client unasked of what happens beyond its commands: what NOTIFY asked for (RFC 5465), and annotations after
 * ENABLE METADATA (RFC 5464 section 4.4). It follows accounts, one watch for each, and speaks only between commands or
 * while the client is idle.
 */
export class Notifier {
  readonly #session: Session
  readonly #watches: AccountWatches
  #wanted = new WantedEvents()
  #names: MailboxNames | undefined
  /** Mailboxes that the client was told it cannot read. */
  readonly #withoutAccess = new Set<string>()
  /** Not looked at yet. */
  #heard: { readonly account: AccountId; readonly event: MessageOrMetadata }[] = []
  readonly #messages = new Map<string, Set<NotifyEvent>>()
  readonly #metadata = new Map<string, Set<string>>()
  #hasNameChanges = false
  #hasOverflown = false
  #isPaused = true
  #isIdling = false
  #isScheduled = false
  #running: Promise<void> = Promise.resolve()

  constructor(session: Session) {
    this.#session = session
    this.#watches = new AccountWatches(session.services.store, {
      onEvent: (account, event) => this.#onEvent(account, event),
      onGrants: () => this.#onNameChange(),
    })
  }

  close(): void {
    this.#isPaused = true
    this.#watches.close()
  }

  /** NOTIFY SET: replaces what was asked for before. @throws TooMuchToFollow */
  async set(groups: readonly EventGroup[], wantsStatus: boolean): Promise<void> {
    const before = this.#wanted
    this.#wanted = before.withGroups(groups)
    try {
      await this.#follow()
    } catch (cause) {
      this.#wanted = before
      await this.#follow()
      throw cause
    }
    this.#session.selectedEvents = selectedEventsOf(groups)
    for (const reached of this.#names?.mailboxes.values() ?? []) await this.#begin(reached, wantsStatus)
  }

  /** NOTIFY NONE. */
  async none(): Promise<void> {
    this.#wanted = this.#wanted.withGroups([])
    this.#session.selectedEvents = NOTHING_SELECTED
    await this.#follow()
  }

  /** ENABLE METADATA or METADATA-SERVER. */
  async enable(events: readonly NotifyEvent[]): Promise<void> {
    this.#wanted = this.#wanted.withEnabled(events)
    await this.#follow()
  }

  /** Says nothing more until `resume`: a command begins. */
  async pause(): Promise<void> {
    this.#isPaused = true
    await this.#running
  }

  /** @param isIdling IDLE tells of the selected mailbox by itself */
  resume(isIdling = false): void {
    this.#isPaused = false
    this.#isIdling = isIdling
    const { view, selectedEvents } = this.#session
    if (view !== undefined && !isIdling && selectedEvents !== undefined && !selectedEvents.isNone) {
      view.onUpdate = () => this.#schedule()
      if (view.hasUpdates) this.#schedule()
    }
    if (this.#hasPending) this.#schedule()
  }

  get #hasPending(): boolean {
    return this.#hasNameChanges || this.#hasOverflown || this.#heard.length > 0
  }

  /** Reads the names anew and watches the accounts they are of. @throws TooMuchToFollow */
  async #follow(): Promise<void> {
    const { needsNames, isPersonal } = this.#wanted
    const { account: user, mailboxes } = this.#session
    this.#watches.watchGrants(needsNames && !isPersonal ? user : undefined)
    const accounts = new Set<AccountId>()
    if (needsNames) {
      // What changes while they are read is heard, and looked at afterwards.
      this.#watches.watch(user)
      accounts.add(user)
      if (!isPersonal) {
        for (const { account } of await mailboxes.namespaces()) {
          if (accounts.size === MAX_ACCOUNTS) throw new TooMuchToFollow('too many accounts')
          accounts.add(account)
          this.#watches.watch(account)
        }
      }
      this.#names = await MailboxNames.read(this.#session, isPersonal)
      if (this.#names.mailboxes.size > MAX_MAILBOXES) throw new TooMuchToFollow('too many mailboxes')
    } else this.#names = undefined
    if (this.#wanted.has('ServerMetadataChange')) {
      accounts.add(SERVER_ACCOUNT)
      this.#watches.watch(SERVER_ACCOUNT)
    }
    this.#watches.keep(accounts)
  }

  #onNameChange(): void {
    this.#hasNameChanges = true
    this.#schedule()
  }

  #onEvent(account: AccountId, event: MailboxEvent): void {
    if (event.kind === 'mailboxes') {
      if (this.#names !== undefined) this.#onNameChange()
      return
    }
    if (event.kind === 'metadata' ? !this.#isForUser(account, event) : !this.#isAbout(account, event.mailbox)) return
    if (this.#heard.length < MAX_PENDING) this.#heard.push({ account, event })
    else {
      // RFC 5465 section 5.8: too much to tell ends it, as NOTIFY NONE does.
      this.#heard = []
      this.#hasOverflown = true
    }
    this.#schedule()
  }

  /** Only now is it known which of them this session's own command made. */
  #sort(): void {
    const heard = this.#heard
    this.#heard = []
    const { ownChanges } = this.#session
    for (const { account, event } of heard) {
      if (ownChanges.take(account, event.modSeq)) continue
      if (event.kind === 'metadata') this.#onMetadata(account, event)
      else {
        const key = keyOf(account, event.mailbox)
        this.#messages.set(key, (this.#messages.get(key) ?? new Set()).add(EVENT_OF[event.kind]))
      }
    }
  }

  /**
   * Mailboxes that nobody asked about take no room, and the selected one is told of by its view. New ones are looked up when
   * they are told of.
   */
  #isAbout(account: AccountId, mailbox: MailboxId): boolean {
    const { view } = this.#session
    if (view?.mirror.account === account && view.mailbox.id === mailbox) return false
    const reached = this.#names?.mailboxes.get(keyOf(account, mailbox))
    return reached === undefined ? this.#hasNameChanges : this.#wanted.eventsOf(reached, this.#names).size > 0
  }

  #isForUser(account: AccountId, { owner, mailbox }: MailboxEvent & { kind: 'metadata' }): boolean {
    if (owner !== 'shared' && owner !== this.#session.account) return false
    return mailbox !== undefined || account === SERVER_ACCOUNT
  }

  #onMetadata(account: AccountId, { owner, mailbox, entries }: MailboxEvent & { kind: 'metadata' }): void {
    const key = mailbox === undefined ? '' : keyOf(account, mailbox)
    const told = this.#metadata.get(key) ?? new Set()
    this.#metadata.set(key, told)
    const scope = owner === 'shared' ? 'shared' : 'private'
    for (const name of entries) told.add(formatEntryName({ scope, name }))
  }

  #schedule(): void {
    if (this.#isPaused || this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      if (this.#isPaused) return
      this.#running = this.#running.then(() => this.#deliver()).catch((cause: unknown) => this.#session.fail(cause))
    })
  }

  async #deliver(): Promise<void> {
    const { out, selectedEvents } = this.#session
    if (this.#hasOverflown) {
      this.#hasOverflown = false
      out.untagged('OK [NOTIFICATIONOVERFLOW] Too much happens to be told')
      await this.none()
    }
    if (this.#hasNameChanges) await this.#tellNames()
    this.#sort()
    if (!this.#isIdling && selectedEvents !== undefined) await tellSelected(this.#session, !selectedEvents.isDelayed)
    await this.#tellMessages()
    this.#tellMetadata()
    out.flush()
  }

  async #tellNames(): Promise<void> {
    this.#hasNameChanges = false
    const before = this.#names
    try {
      await this.#follow()
    } catch (cause) {
      if (!(cause instanceof TooMuchToFollow)) throw cause
      this.#hasOverflown = true
      return
    }
    const after = this.#names
    if (before === undefined || after === undefined) return
    const own = this.#session.ownNames.splice(0)
    for (const change of nameChanges(before, after)) {
      if (own.includes(change.name)) continue
      this.#tellName(change, before, after)
    }
    for (const name of subscriptionChanges(before, after)) {
      if (own.includes(name) || !this.#wanted.hasFor('SubscriptionChange', name, isOwnName(name), before, after))
        continue
      this.#session.out.untagged(after.listText(this.#session, name))
    }
  }

  #tellName(change: NameChange, before: MailboxNames, after: MailboxNames): void {
    const { out } = this.#session
    const { name, oldName, isPersonal, isGone } = change
    if (this.#wanted.hasFor('MailboxName', name, isPersonal, before, after)) {
      out.untagged(after.listText(this.#session, name, oldName))
      // Section 5.4: the level above is affected by what comes and goes below it.
      const parent = name.slice(0, Math.max(0, name.lastIndexOf('/')))
      if (oldName === undefined && after.get(parent) !== undefined) out.untagged(after.listText(this.#session, parent))
    } else if (!isPersonal && this.#wanted.hasFor('MessageNew', name, isPersonal, before, after)) {
      // Section 5.9: it can be followed no longer, or again.
      if (isGone) {
        this.#withoutAccess.add(name)
        out.untagged(`LIST (\\NoAccess) "/" ${this.#session.mailboxName(name)}`)
      } else if (this.#withoutAccess.delete(name)) out.untagged(after.listText(this.#session, name))
    }
  }

  async #tellMessages(): Promise<void> {
    const { out } = this.#session
    for (const [key, happened] of this.#messages) {
      this.#messages.delete(key)
      const reached = this.#names?.mailboxes.get(key)
      if (reached === undefined) continue
      const wanted = this.#wanted.eventsOf(reached, this.#names)
      const told = [...happened].filter((event) => wanted.has(event))
      const items = itemsOfEvents(told, this.#session.enabled.has('CONDSTORE'))
      if (items.size > 0) await this.#tellStatus(reached, items)
      if (out.isFull) await out.room()
    }
  }

  /** What is said of a mailbox when it begins to be followed (section 3.1). */
  async #begin(reached: ReachedMailbox, wantsStatus: boolean): Promise<void> {
    const { view, out } = this.#session
    const { name, account, mailbox, rights } = reached
    if (this.#wanted.askedOf(reached, this.#names).size === 0) return
    if (!rights.includes('r')) {
      this.#withoutAccess.add(name)
      out.untagged(`LIST (\\NoAccess) "/" ${this.#session.mailboxName(name)}`)
      return
    }
    if (!wantsStatus || (view?.mirror.account === account && view.mailbox.id === mailbox.id)) return
    const items = itemsAtFirst(this.#wanted.eventsOf(reached, this.#names), this.#session.offer.has('CONDSTORE'))
    if (items.size > 0) await this.#tellStatus(reached, items)
    if (out.isFull) await out.room()
  }

  async #tellStatus(reached: ReachedMailbox, items: ReadonlySet<string>): Promise<void> {
    const text = await statusText(this.#session, reached, [...items])
    // undefined: it went in the meantime, of which another event tells.
    if (text !== undefined) this.#session.out.untagged(text)
  }

  #tellMetadata(): void {
    for (const [key, entries] of this.#metadata) {
      this.#metadata.delete(key)
      const reached = this.#names?.mailboxes.get(key)
      const isWanted =
        key === ''
          ? this.#wanted.has('ServerMetadataChange')
          : reached !== undefined &&
            (this.#wanted.hasEverywhere('MailboxMetadataChange') ||
              this.#wanted.eventsOf(reached, this.#names).has('MailboxMetadataChange'))
      if (isWanted)
        this.#session.out.untagged(
          `METADATA ${this.#session.mailboxName(reached?.name ?? '')} ${[...entries].join(' ')}`,
        )
    }
  }
}

/** Subscriptions are names; those of others begin with a level of their own. */
const isOwnName = (name: string): boolean => !/^(Other Users|Shared)\//.test(name)
