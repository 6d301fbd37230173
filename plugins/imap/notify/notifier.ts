import { type AccountId, type MailboxEvent, type MailboxId, SERVER_ACCOUNT } from 'mailserver'
import type { Session } from '../session.ts'
import { tellSelected } from '../tell-selected.ts'
import type { EventGroup, NotifyEvent } from '../wire/notify-arguments.ts'
import { AccountWatches } from './account-watches.ts'
import { keyOf, MailboxNames } from './mailbox-names.ts'
import { type Followed, Notices } from './notices.ts'
import { isForUser, PendingEvents } from './pending-events.ts'
import { NOTHING_SELECTED, selectedEventsOf } from './selected-events.ts'
import { WantedEvents } from './wanted-events.ts'

/** Accounts and mailboxes that one session follows. */
const MAX_ACCOUNTS = 50
const MAX_MAILBOXES = 20_000

/** More is asked for than the server will follow (RFC 5465 section 3.1). */
export class TooMuchToFollow extends Error {
  override readonly name = 'TooMuchToFollow'
}

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
  readonly #notices: Notices
  readonly #pending = new PendingEvents()
  #hasNameChanges = false
  #hasOverflown = false
  #isPaused = true
  #isIdling = false
  #isScheduled = false
  #running: Promise<void> = Promise.resolve()

  constructor(session: Session) {
    this.#session = session
    this.#notices = new Notices(session)
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
    const followed = this.#followed
    for (const reached of followed.names?.mailboxes.values() ?? []) {
      await this.#notices.begin(reached, followed, wantsStatus)
    }
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
    return this.#hasNameChanges || this.#hasOverflown || !this.#pending.isEmpty
  }

  get #followed(): Followed {
    return { wanted: this.#wanted, names: this.#names }
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
    const isWanted =
      event.kind === 'metadata'
        ? isForUser(this.#session.account, account, event)
        : this.#isAbout(account, event.mailbox)
    if (!isWanted) return
    // RFC 5465 section 5.8: too much to tell ends it, as NOTIFY NONE does.
    if (!this.#pending.hear(account, event)) this.#hasOverflown = true
    this.#schedule()
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
    this.#pending.sort(this.#session.ownChanges)
    if (!this.#isIdling && selectedEvents !== undefined) await tellSelected(this.#session, !selectedEvents.isDelayed)
    await this.#notices.tellMessages(this.#pending.messages(), () => this.#followed)
    this.#notices.tellMetadata(this.#pending.metadata(), this.#followed)
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
    this.#notices.tellNames(this.#wanted, before, after, this.#session.ownChanges.takeNames())
  }
}
