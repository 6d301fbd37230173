import type { TLSSocket } from 'node:tls'
import {
  type Account,
  type AccountId,
  type Clock,
  type Connection,
  formatAddress,
  type Log,
  type SaslChannel,
  type ServerFacts,
  saslChannel,
  tlsFacts,
} from 'mailserver'
import { ClientTerms } from './client-terms.ts'
import type { State } from './command.ts'
import { CommandInput } from './command-input.ts'
import type { SearchContexts } from './contexts/search-contexts.ts'
import type { ImapLimits } from './limits.ts'
import { MailboxAccess } from './mailbox-access.ts'
import type { MailboxView } from './mailbox-view.ts'
import { Notifier } from './notify/notifier.ts'
import { Offers } from './offer.ts'
import { OwnChanges } from './own-changes.ts'
import { ResponseWriter } from './responses.ts'
import type { ImapServices } from './services.ts'
import { NO_SHARING, type Sharing } from './sharing.ts'
import type { SelectedEvents } from './tell-selected.ts'
import type { Transport } from './transport.ts'
import type { Arguments } from './wire/arguments.ts'
import type { CommandHead, ReaderLimits } from './wire/command-reader.ts'

export interface SessionOptions {
  readonly transport: Transport
  readonly connection: Connection
  readonly isTls: boolean
  readonly services: ImapServices
  readonly server: ServerFacts
  readonly limits: ImapLimits
  readonly clock: Clock
  readonly log: Log
  /** Mailboxes of others; none when absent. */
  readonly sharing?: Sharing
  /** Everything when absent. */
  readonly offers?: Offers
}

/** For sessions of which the config says nothing. */
const EVERYTHING = new Offers()

/** What commands know and change of one client: who it is, what it has selected, and how it is spoken to. */
export class Session extends ClientTerms {
  readonly services: ImapServices
  readonly server: ServerFacts
  readonly clock: Clock
  readonly log: Log
  readonly out: ResponseWriter
  readonly transport: Transport
  connection: Connection
  isTls: boolean
  /** Called when the client is to log in anew: its time for that begins. */
  loggedOut: () => void = () => {}
  /** Failed logins so far. */
  loginFailures = 0
  /** LOGOUT, or a fault that ends everything: no command is read any more. */
  isOver = false
  /** What is to be said with BYE, once somebody wants the session to end. */
  farewell: string | undefined
  /** What it does now, for the list of sessions. */
  activity = 'idle'
  /** Tag of the command in hand; ESEARCH names it. */
  tag = ''
  /** What NOTIFY said of the selected mailbox; everything when it said nothing. */
  selectedEvents: SelectedEvents | undefined
  /** Tells what happens beyond commands, once the client has asked for that. */
  notifier: Notifier | undefined
  /** What went wrong while the client was told something between commands: the session ends with it. */
  fault: unknown
  /** Of which it is not told again. */
  readonly ownChanges = new OwnChanges()
  /** How the administrator is reached, a URI. */
  readonly adminContact: string | undefined
  /** The user was told that the account is nearly full. */
  hasAlerted = false
  /** When it is looked again whether it is. */
  nextQuotaLook = 0
  /** Hundredths of a limit from which on the user is told; 0 for never. */
  readonly quotaAlert: number
  /** UIDs that the last search with SAVE has found (RFC 5182). */
  saved: ReadonlySet<number> = new Set()
  /** Searches of the selected mailbox whose results are followed (RFC 5267); undefined without any. */
  contexts: SearchContexts | undefined
  /** What the client sends. */
  readonly input: CommandInput
  readonly #sharing: Sharing
  #mailboxes: MailboxAccess | undefined
  #view: MailboxView | undefined
  #afterCompletion: (() => Promise<void>) | undefined

  /** @param takesMessage is the literal that is announced next a message, which the handler reads as it comes? */
  constructor(options: SessionOptions, takesMessage: (head: CommandHead, args: Arguments) => boolean) {
    super(options.limits, options.offers ?? EVERYTHING)
    this.services = options.services
    this.server = options.server
    this.clock = options.clock
    this.log = options.log
    this.transport = options.transport
    this.connection = options.connection
    this.isTls = options.isTls
    this.adminContact = options.sharing?.adminContact
    this.quotaAlert = options.sharing?.quotaAlert ?? 0
    this.#sharing = options.sharing ?? NO_SHARING
    this.out = new ResponseWriter(options.transport)
    this.input = new CommandInput(this, takesMessage)
  }

  get state(): State {
    if (this.#mailboxes === undefined) return 'not-authenticated'
    return this.#view === undefined ? 'authenticated' : 'selected'
  }

  /** What a login may build on. */
  get channel(): SaslChannel {
    return saslChannel(this.connection, this.transport.socket, this.services.tls, this.signal)
  }

  /** Mechanisms that can be used now. */
  get saslMechanisms(): readonly string[] {
    return this.services.sasl.mechanisms(this.channel)
  }

  /** Fires when the client has left. */
  get signal(): AbortSignal {
    return this.transport.signal
  }

  get login(): string | undefined {
    return this.#mailboxes === undefined ? undefined : formatAddress(this.#mailboxes.user.address)
  }

  /** The user's own account, for commands of the authenticated states. What is selected may be another's. */
  get account(): AccountId {
    return this.mailboxes.user.id
  }

  /** The way to every mailbox that is named, for commands of the authenticated states. */
  get mailboxes(): MailboxAccess {
    if (this.#mailboxes === undefined) throw new Error('a command that needs a login was run without one')
    return this.#mailboxes
  }

  /** For commands of the selected state. */
  get selected(): MailboxView {
    if (this.#view === undefined) throw new Error('a command that needs a mailbox was run without one')
    return this.#view
  }

  get view(): MailboxView | undefined {
    return this.#view
  }

  authenticated(account: Account): void {
    this.#mailboxes = new MailboxAccess(this.services, this.#sharing, account)
  }

  /** As before the login; TLS stays, and what ID said (RFC 8437 section 3). */
  unauthenticated(): void {
    this.select(undefined)
    this.enabled.clear()
    this.endNotifying()
    this.selectedEvents = undefined
    this.hasAlerted = false
    this.nextQuotaLook = 0
    this.#mailboxes = undefined
    this.loggedOut()
  }

  /** The one that tells what happens; it is silent until the command in hand is answered. */
  startNotifying(): Notifier {
    this.notifier ??= new Notifier(this)
    return this.notifier
  }

  endNotifying(): void {
    this.notifier?.close()
    this.notifier = undefined
  }

  /** This session changed the name itself: it is not told of that. */
  changedName(name: string): void {
    if (this.notifier !== undefined) this.ownChanges.addName(name)
  }

  /** This session put messages in the mailbox that it has selected. */
  addedMessages(uids: readonly number[]): void {
    if (this.selectedEvents?.request !== undefined) this.ownChanges.addMessages(uids)
  }

  /** Ends the session with this, wherever it waits for its client. */
  fail(cause: unknown): void {
    this.fault ??= cause
    this.transport.interrupt()
  }

  get isAdministrator(): boolean {
    return this.#mailboxes?.isAdministrator ?? false
  }

  /** STARTTLS is done. */
  secured(socket: TLSSocket): void {
    this.transport.attach(socket)
    this.isTls = true
    this.connection = { ...this.connection, tls: tlsFacts(socket) }
  }

  /** Leaves the mailbox that is selected, if one is, and goes on with another or with none. */
  select(view: MailboxView | undefined): void {
    const before = this.#view
    this.#view = view
    this.saved = new Set()
    this.endContexts()
    if (before === undefined) return
    before.close()
    this.services.mirrors.release(before.mirror)
  }

  /** No results are followed any more. */
  endContexts(): void {
    this.contexts?.close()
    this.contexts = undefined
  }

  /** Switches an extension on (RFC 5161). QRESYNC brings CONDSTORE with it (RFC 7162 section 3.2.3). */
  enable(name: string): void {
    if (name === 'CONDSTORE' || name === 'QRESYNC') this.enableCondstore()
    this.enabled.add(name)
  }

  /** The client knows of mod-sequences from now on (RFC 7162 section 3.1). */
  enableCondstore(): void {
    if (this.enabled.has('CONDSTORE')) return
    this.enabled.add('CONDSTORE')
    if (this.#view !== undefined) this.out.untagged(`OK [HIGHESTMODSEQ ${this.#view.mirror.highestModSeq}] Highest`)
  }

  /** Ends the session with BYE: now when it waits for its client, else after the command in hand. */
  shutDown(text: string): void {
    this.farewell ??= text
    this.input.interrupt()
  }

  /** Runs once the tagged answer has been sent, before anything more is read. */
  afterCompletion(run: () => Promise<void>): void {
    this.#afterCompletion = run
  }

  /** The tagged answer was given. */
  async completed(): Promise<void> {
    const run = this.#afterCompletion
    if (run === undefined) return
    this.#afterCompletion = undefined
    this.out.flush()
    await run()
  }

  /** Sends a continuation request and everything before it. */
  async proceed(text: string): Promise<void> {
    this.out.text(`+ ${text}\r\n`)
    this.out.flush()
  }

  /** Who has not logged in is given less room. */
  get readerLimits(): ReaderLimits {
    if (this.#mailboxes !== undefined) return this.limits
    const bytes = this.limits.unauthenticatedBytes
    return {
      ...this.limits,
      lineBytes: bytes,
      literalBytes: bytes,
      commandBytes: bytes,
      skipBytes: bytes,
      idleTimeoutMs: this.limits.loginTimeoutMs,
    }
  }
}
