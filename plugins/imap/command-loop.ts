import type { Command, Finish } from './command.ts'
import { COMMANDS } from './commands.ts'
import { bad, type Completion, formatCompletion } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import { isFatal } from './fatal.ts'
import { Session, type SessionOptions } from './session.ts'
import { BrokenResponse, SessionEnd } from './session-end.ts'
import { tellSelected } from './tell-selected.ts'
import { Interrupted } from './transport.ts'
import { UID_REQUIRED } from './uid-only.ts'
import { MailboxClosed, MailboxGone } from './updates.ts'
import type { CommandHead, ReadCommand } from './wire/command-reader.ts'
import { PeerGone, PeerSilent } from './wire/octet-input.ts'

export interface CommandLoopOptions extends SessionOptions {
  /** Told of every command that was answered. */
  readonly onCommand?: (name: string, status: Completion['status']) => void
}

/** Commands that are begun before the first of them is finished. */
const MAX_TOGETHER = 200

type PlainCommand = ReadCommand & { kind: 'command' }
type RunnableCommand = ReadCommand & { kind: 'command' | 'message' }

/** One client, from its greeting to its end. Commands are run one after the other, in the order they came. */
export class CommandLoop {
  readonly session: Session
  readonly #onCommand: CommandLoopOptions['onCommand']
  #badInRow = 0
  #isCut = false

  constructor(options: CommandLoopOptions) {
    this.#onCommand = options.onCommand
    this.session = new Session(options, (head, args) => this.#rowFor(head.name)?.message?.takesMessage(args) ?? false)
  }

  /** Never rejects. */
  async run(greeting: string): Promise<void> {
    const { session } = this
    const limitLogin = () =>
      session.clock.after(session.limits.loginTimeoutMs, () => {
        if (session.state === 'not-authenticated') this.#cut('Login took too long')
      })
    let cancelLogin = limitLogin()
    const limitAgain = () => {
      cancelLogin()
      cancelLogin = limitLogin()
    }
    session.loggedOut = limitAgain
    try {
      if (session.farewell !== undefined) throw new SessionEnd(session.farewell)
      session.out.untagged(greeting)
      while (!session.isOver) await this.#next()
      session.out.flush()
    } catch (cause) {
      this.#onFault(cause)
    } finally {
      cancelLogin()
      session.endNotifying()
      session.select(undefined)
      await session.transport.close()
    }
  }

  async #next(): Promise<void> {
    const { session } = this
    if (session.farewell !== undefined) throw new SessionEnd(session.farewell)
    const read = await session.input.readCommand()
    await session.notifier?.pause()
    if (session.fault !== undefined) throw session.fault
    if (read.kind === 'bye') throw new SessionEnd(read.text)
    if (read.kind === 'refused') {
      this.#complete(read.tag, bad(read.text, read.code))
    } else {
      const row = read.kind === 'command' ? this.#rowFor(read.head.name) : undefined
      const next = row?.begin === undefined ? undefined : session.input.nextBuffered(row.name)
      if (row !== undefined && read.kind === 'command' && next !== undefined) await this.#together(row, [read, next])
      else {
        session.tag = read.head.tag
        await this.#answered(read.head, await this.#run(read))
      }
    }
    if (this.#badInRow > session.limits.badCommands) throw new SessionEnd('Too many bad commands')
    session.notifier?.resume()
  }

  /** Runs commands of one kind that came together: each is begun before the first is finished. */
  async #together(row: Command, first: readonly PlainCommand[]): Promise<void> {
    const { session } = this
    session.activity = session.view === undefined ? row.name : `${row.name} in ${session.view.name}`
    const begun: { head: CommandHead; finish: Finish }[] = []
    const reads = [...first]
    for (let read = reads.shift(); read !== undefined; read = reads.shift()) {
      read.args.hidden = session.offer.hiddenItems
      const { finish, isUnderWay } = (row.begin as NonNullable<Command['begin']>)(read.args, session)
      begun.push({ head: read.head, finish })
      if (reads.length === 0 && isUnderWay && begun.length < MAX_TOGETHER) {
        const next = session.input.nextBuffered(row.name)
        if (next !== undefined) reads.push(next)
      } else if (!isUnderWay) {
        // It does its work when it is finished; what was read behind it must not come before that.
        await this.#finish(row, begun.splice(0))
      }
    }
    await this.#finish(row, begun)
    session.activity = session.view === undefined ? 'idle' : `idle in ${session.view.name}`
  }

  async #finish(
    row: Command,
    begun: readonly { readonly head: CommandHead; readonly finish: Finish }[],
  ): Promise<void> {
    for (const [at, { head, finish }] of begun.entries()) {
      this.session.tag = head.tag
      const completion = await this.#completed(row, finish)
      const isLast = at === begun.length - 1
      if (isLast && completion.status !== 'BAD') await this.#tell(row)
      await this.#answered(head, completion, isLast)
    }
  }

  /** @param isLast nothing that has been begun is to be answered after it */
  async #answered(head: CommandHead, completion: Completion, isLast = true): Promise<void> {
    this.#complete(head.tag, completion, isLast)
    this.#onCommand?.(COMMANDS.has(head.name) ? head.name : 'unknown', completion.status)
    await this.session.completed()
  }

  async #run(read: RunnableCommand): Promise<Completion> {
    const { session } = this
    const row = this.#rowFor(read.head.name)
    try {
      if (row === undefined) {
        const completion = this.#whyNot(read.head.name)
        return read.kind === 'message' ? await session.input.refuse(read.literal, completion) : completion
      }
      session.activity = session.view === undefined ? row.name : `${row.name} in ${session.view.name}`
      const completion = await this.#execute(row, read)
      if (completion.status !== 'BAD') await this.#tell(row)
      return completion
    } finally {
      session.activity = session.view === undefined ? 'idle' : `idle in ${session.view.name}`
    }
  }

  #execute(row: Command, read: RunnableCommand): Promise<Completion> {
    const { session } = this
    read.args.hidden = session.offer.hiddenItems
    read.args.isUtf8 = session.isUtf8
    return this.#completed(row, () =>
      read.kind === 'message' && row.message !== undefined
        ? row.message.receive(read.head, read.args, read.literal, session)
        : row.execute(read.args, session),
    )
  }

  /** @throws what ends the session; everything else becomes the answer */
  async #completed(row: Command, work: Finish): Promise<Completion> {
    try {
      return await work()
    } catch (cause) {
      if (isFatal(cause) || this.session.signal.aborted) throw cause
      const completion = completionOfError(cause)
      if (completion.code === 'UNAVAILABLE' || completion.code === 'SERVERBUG') {
        this.session.log.error({ err: cause, command: row.name }, 'a command failed')
      }
      return completion
    }
  }

  async #tell(row: Command): Promise<void> {
    if (row.updates !== 'none') await tellSelected(this.session, row.updates === 'all')
  }

  /** A command of an extension that is switched off is unknown. */
  #knows(name: string): boolean {
    return COMMANDS.has(name) && this.session.offer.hasCommand(name)
  }

  /** The row of a command that is possible in this state. */
  #rowFor(name: string): Command | undefined {
    const row = this.#knows(name) ? COMMANDS.get(name) : undefined
    if (row?.usesNumbers && this.session.isUidOnly) return undefined
    return row?.states.includes(this.session.state) ? row : undefined
  }

  #whyNot(name: string): Completion {
    if (!this.#knows(name)) return bad('Unknown command')
    const { state, isUidOnly } = this.session
    if (isUidOnly && COMMANDS.get(name)?.usesNumbers) return UID_REQUIRED
    return bad(state === 'not-authenticated' ? 'Log in first' : `Not possible in the ${state} state`)
  }

  #complete(tag: string | undefined, completion: Completion, isLast = true): void {
    const { out, input } = this.session
    this.#badInRow = completion.status === 'BAD' ? this.#badInRow + 1 : 0
    out.text(`${tag ?? '*'} ${formatCompletion(completion)}\r\n`)
    // Answers to commands that came together go together. With no more of them here, another turn of the loop is waste.
    if (isLast && !input.hasMore) out.flush()
    else out.flushSoon()
  }

  #onFault(reason: unknown): void {
    const { session } = this
    const cause = session.fault ?? reason
    if (cause instanceof SessionEnd) this.#cut(cause.message)
    else if (cause instanceof Interrupted) this.#cut(session.farewell ?? 'Server is going away')
    else if (cause instanceof PeerSilent) this.#cut('Autologout; idle for too long')
    else if (cause instanceof MailboxGone) this.#cut('Selected mailbox was deleted', 'NONEXISTENT')
    else if (cause instanceof MailboxClosed) this.#cut('Selected mailbox may no longer be read', 'NOPERM')
    else if (cause instanceof BrokenResponse) {
      session.log.error({ err: cause }, 'a response could not be finished')
      session.transport.destroy()
    } else if (!(cause instanceof PeerGone) && !session.signal.aborted) {
      session.log.error({ err: cause }, 'a session failed')
      this.#cut('Internal error')
    }
  }

  /** Says BYE and closes, whatever is going on. */
  #cut(text: string, code?: string): void {
    if (this.#isCut) return
    this.#isCut = true
    this.session.isOver = true
    try {
      this.session.out.untagged(code === undefined ? `BYE ${text}` : `BYE [${code}] ${text}`)
      this.session.out.flush()
    } catch {
      // Nobody to say it to.
    }
    this.session.transport.interrupt()
  }
}
