import type { Account, AccountId, Clock, Connection, Log, ServerFacts } from 'mailserver'
import type { Command, State } from './command.ts'
import { COMMANDS } from './commands.ts'
import { bad, type Completion, formatCompletion } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import type { ImapLimits } from './limits.ts'
import type { MailboxView } from './mailbox-view.ts'
import { type Responses, ResponseWriter } from './responses.ts'
import type { ImapServices } from './services.ts'
import { Interrupted, type Transport } from './transport.ts'
import { MailboxGone, tellNew, tellUpdates } from './updates.ts'
import { type CommandHead, CommandReader, type ReadCommand, type ReaderLimits } from './wire/command-reader.ts'
import type { IncomingLiteral } from './wire/incoming-literal.ts'
import { PeerGone, PeerSilent } from './wire/octet-input.ts'
import { largestOf, type SequenceSet } from './wire/sequence-set.ts'

export interface SessionOptions {
  readonly transport: Transport
  readonly connection: Connection
  readonly isTls: boolean
  readonly services: ImapServices
  readonly server: ServerFacts
  readonly limits: ImapLimits
  readonly clock: Clock
  readonly log: Log
  /** Told of every command that was answered. */
  readonly onCommand?: (name: string, status: Completion['status']) => void
}

/** A response was cut in the middle: nothing that follows could be understood. */
export class BrokenResponse extends Error {
  override readonly name = 'BrokenResponse'
}

/** Ends the session after BYE with this text. */
export class SessionEnd extends Error {
  override readonly name = 'SessionEnd'
}

/** One client, from its greeting to its end. Commands are run one after the other, in the order they came. */
export class Session {
  readonly services: ImapServices
  readonly server: ServerFacts
  readonly limits: ImapLimits
  readonly clock: Clock
  readonly log: Log
  readonly out: Responses
  readonly transport: Transport
  connection: Connection
  isTls: boolean
  /** Failed logins so far. */
  loginFailures = 0
  /** Extensions the client switched on (RFC 5161), in capitals. */
  readonly enabled = new Set<string>()
  readonly #writer: ResponseWriter
  readonly #reader: CommandReader
  readonly #onCommand: SessionOptions['onCommand']
  #account: Account | undefined
  #view: MailboxView | undefined
  #isOver = false
  #isCut = false
  #badInRow = 0
  #farewell: string | undefined
  #isWaiting = false
  #afterCompletion: (() => Promise<void>) | undefined
  #current = 'idle'

  constructor(options: SessionOptions) {
    this.services = options.services
    this.server = options.server
    this.limits = options.limits
    this.clock = options.clock
    this.log = options.log
    this.transport = options.transport
    this.connection = options.connection
    this.isTls = options.isTls
    this.#onCommand = options.onCommand
    this.#writer = new ResponseWriter(options.transport)
    this.out = this.#writer
    this.#reader = new CommandReader({
      // What was said is sent before more is waited for.
      source: { read: (timeoutMs) => this.#read(timeoutMs) },
      limits: () => this.#readerLimits(),
      proceed: () => this.proceed('Ready for literal data'),
      takesMessage: (head, args) => this.#rowFor(head.name)?.message?.takesMessage(args) ?? false,
    })
  }

  get state(): State {
    if (this.#account === undefined) return 'not-authenticated'
    return this.#view === undefined ? 'authenticated' : 'selected'
  }

  /** What it does now, for the list of sessions. */
  get activity(): string {
    return this.#view === undefined ? this.#current : `${this.#current} in ${this.#view.mailbox.name}`
  }

  /** Fires when the client has left. */
  get signal(): AbortSignal {
    return this.transport.signal
  }

  get login(): string | undefined {
    return this.#account === undefined ? undefined : `${this.#account.address.local}@${this.#account.address.domain}`
  }

  /** For commands of the authenticated states. */
  get account(): AccountId {
    if (this.#account === undefined) throw new Error('a command that needs a login was run without one')
    return this.#account.id
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
    this.#account = account
  }

  /** Leaves the mailbox that is selected, if one is, and goes on with another or with none. */
  select(view: MailboxView | undefined): void {
    const before = this.#view
    this.#view = view
    if (before === undefined) return
    before.close()
    this.services.mirrors.release(before.mirror)
  }

  /** LOGOUT was answered: the connection closes after the tagged answer. */
  end(): void {
    this.#isOver = true
  }

  /** Ends the session with BYE: now when it waits for its client, else after the command in hand. */
  shutDown(text: string): void {
    this.#farewell ??= text
    if (this.#isWaiting) this.transport.interrupt()
  }

  /** Runs once the tagged answer has been sent, before anything more is read. */
  afterCompletion(run: () => Promise<void>): void {
    this.#afterCompletion = run
  }

  /** Sends a continuation request and everything before it. */
  async proceed(text: string): Promise<void> {
    this.out.text(`+ ${text}\r\n`)
    this.out.flush()
  }

  /** Reads a line that belongs to the command in hand. @throws SessionEnd when it is too long */
  async readLine(): Promise<string> {
    const line = await this.#waitingFor(() => this.#reader.line())
    if (line === undefined) throw new SessionEnd('Line is too long')
    return line
  }

  /** Reads on in a command that carries messages. */
  continueAfter(head: CommandHead): Promise<ReadCommand> {
    return this.#reader.continueAfter(head)
  }

  /** Answers a command whose message is not wanted, reading past it as far as that is needed. @throws SessionEnd */
  async refuse(literal: IncomingLiteral, completion: Completion): Promise<Completion> {
    if (await this.#reader.skip(literal)) return completion
    throw new SessionEnd(completion.text)
  }

  /** Drops what came before TLS: it could be anybody's. */
  forgetInput(): void {
    this.#reader.input.clear()
  }

  /** Positions in the selected mailbox; with UIDs beyond those the client knows it is told of new messages first. */
  async positions(set: SequenceSet, isUid: boolean): Promise<Uint32Array> {
    const view = this.selected
    if (isUid && (view.count === 0 || largestOf(set) > view.uidAt(view.count - 1))) await this.catchUp()
    return view.positions(set, isUid)
  }

  /** Tells the client of every message that came to its mailbox until now. */
  async catchUp(): Promise<void> {
    const view = this.selected
    await view.mirror.refresh()
    await tellNew(view, this.out, this.services.store)
  }

  /** From the greeting to the end. Never rejects. */
  async run(greeting: string): Promise<void> {
    const cancelLogin = this.clock.after(this.limits.loginTimeoutMs, () => {
      if (this.#account === undefined) this.#cut('Login took too long')
    })
    try {
      this.out.untagged(greeting)
      while (!this.#isOver) await this.#next()
      this.out.flush()
    } catch (cause) {
      this.#onFault(cause)
    } finally {
      cancelLogin()
      this.select(undefined)
      await this.transport.close()
    }
  }

  async #next(): Promise<void> {
    if (this.#farewell !== undefined) throw new SessionEnd(this.#farewell)
    const read = await this.#waitingFor(() => this.#reader.read())
    switch (read.kind) {
      case 'bye':
        throw new SessionEnd(read.text)
      case 'refused':
        this.#complete(read.tag, bad(read.text, read.code))
        break
      default: {
        const completion = await this.#run(read)
        this.#complete(read.head.tag, completion)
        this.#onCommand?.(COMMANDS.has(read.head.name) ? read.head.name : 'unknown', completion.status)
        await this.#finish()
      }
    }
    if (this.#badInRow > this.limits.badCommands) throw new SessionEnd('Too many bad commands')
  }

  async #run(read: ReadCommand & { kind: 'command' | 'message' }): Promise<Completion> {
    const row = this.#rowFor(read.head.name)
    try {
      if (row === undefined) return await this.#refused(read, this.#whyNot(read.head.name))
      this.#current = row.name
      const completion =
        read.kind === 'message' && row.message !== undefined
          ? await row.message.receive(read.head, read.args, read.literal, this)
          : await row.execute(read.args, this)
      await this.#tell(row)
      return completion
    } catch (cause) {
      if (isFatal(cause)) throw cause
      const completion = completionOfError(cause)
      if (completion.code === 'UNAVAILABLE' || completion.code === 'SERVERBUG') {
        this.log.error({ err: cause, command: read.head.name }, 'a command failed')
      }
      if (completion.status !== 'BAD' && row !== undefined) await this.#tell(row)
      return completion
    } finally {
      this.#current = 'idle'
    }
  }

  async #refused(read: ReadCommand & { kind: 'command' | 'message' }, completion: Completion): Promise<Completion> {
    return read.kind === 'message' ? await this.refuse(read.literal, completion) : completion
  }

  async #tell(row: Command): Promise<void> {
    if (this.#view === undefined || row.updates === 'none') return
    await tellUpdates(this.#view, this.out, { store: this.services.store, canExpunge: row.updates === 'all' })
  }

  /** The row of a command that is possible in this state. */
  #rowFor(name: string): Command | undefined {
    const row = COMMANDS.get(name)
    return row?.states.includes(this.state) ? row : undefined
  }

  #whyNot(name: string): Completion {
    if (!COMMANDS.has(name)) return bad('Unknown command')
    return bad(this.state === 'not-authenticated' ? 'Log in first' : `Not possible in the ${this.state} state`)
  }

  #complete(tag: string | undefined, completion: Completion): void {
    this.#badInRow = completion.status === 'BAD' ? this.#badInRow + 1 : 0
    this.out.text(`${tag ?? '*'} ${formatCompletion(completion)}\r\n`)
    this.#writer.flushSoon()
  }

  async #finish(): Promise<void> {
    const run = this.#afterCompletion
    if (run === undefined) return
    this.#afterCompletion = undefined
    this.out.flush()
    await run()
  }

  #onFault(cause: unknown): void {
    if (cause instanceof SessionEnd) this.#cut(cause.message)
    else if (cause instanceof Interrupted) this.#cut(this.#farewell ?? 'Server is going away')
    else if (cause instanceof PeerSilent) this.#cut('Autologout; idle for too long')
    else if (cause instanceof MailboxGone) this.#cut('Selected mailbox was deleted', 'NONEXISTENT')
    else if (cause instanceof BrokenResponse) this.transport.destroy()
    else if (!(cause instanceof PeerGone) && !this.signal.aborted) {
      this.log.error({ err: cause }, 'a session failed')
      this.#cut('Internal error')
    }
  }

  /** Says BYE and closes, whatever is going on. */
  #cut(text: string, code?: string): void {
    if (this.#isCut) return
    this.#isCut = true
    this.#isOver = true
    try {
      this.out.untagged(code === undefined ? `BYE ${text}` : `BYE [${code}] ${text}`)
      this.out.flush()
    } catch {
      // Nobody to say it to.
    }
    this.transport.interrupt()
  }

  #read(timeoutMs: number): Promise<Buffer | undefined> {
    this.out.flush()
    return this.transport.read(timeoutMs)
  }

  async #waitingFor<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#isOver) throw new Interrupted('the session is to end')
    this.#isWaiting = true
    try {
      return await wait()
    } finally {
      this.#isWaiting = false
    }
  }

  #readerLimits(): ReaderLimits {
    if (this.#account !== undefined) return this.limits
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

function isFatal(cause: unknown): boolean {
  return (
    cause instanceof PeerGone ||
    cause instanceof PeerSilent ||
    cause instanceof Interrupted ||
    cause instanceof MailboxGone ||
    cause instanceof BrokenResponse ||
    cause instanceof SessionEnd
  )
}
