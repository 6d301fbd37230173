import { type BlobRef, codeOf, type MailErrorCode, MessageIndexer, type NewMessage } from 'mailserver'
import { NO_TARGET, targetOf } from './commands/copy.ts'
import { bad, type Completion, no } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import { UnknownEncoding } from './fetch/decoded-part.ts'
import type { ReachedMailbox } from './mailbox-access.ts'
import type { Session } from './session.ts'
import { SessionEnd } from './session-end.ts'
import { rightForFlag } from './updates.ts'
import type { Arguments } from './wire/arguments.ts'
import type { CommandHead } from './wire/command-reader.ts'
import { parseDateTime } from './wire/date-time.ts'
import { parseFlagList } from './wire/flags.ts'
import type { IncomingLiteral } from './wire/incoming-literal.ts'
import { parseMailbox } from './wire/mailbox-name.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

interface MessageOptions {
  readonly flags: readonly string[]
  readonly internalDate: number
  /** It stands in parentheses, of which the closing one follows it. */
  readonly isUtf8: boolean
}

/** Commits the messages. @throws MailError as MailStore.append does */
export type CommitMessages = (target: ReachedMailbox, messages: readonly NewMessage[]) => Promise<Completion>

/** With these the store says that it wrote nothing. */
const REFUSED_WHOLE: ReadonlySet<MailErrorCode> = new Set([
  'OVER_QUOTA',
  'MAILBOX_NOT_FOUND',
  'INVALID',
  'LIMIT_REACHED',
  'NOT_FOUND',
])

/** The command is answered with this, and what was received of it is dropped. */
class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly completion: Completion

  constructor(completion: Completion) {
    super(completion.text)
    this.completion = completion
  }
}

/**
 * Takes the messages of one command from the wire into the BlobStore as they come, indexing them on the way. Whatever goes
 * wrong, the command is read to its end before it is answered, and no blob is left behind.
 */
export class AppendTransfer {
  readonly #session: Session
  readonly #head: CommandHead
  readonly #commit: CommitMessages
  readonly #maxMessages: number
  readonly #messages: NewMessage[] = []
  #octets = 0

  /**
   * @param commit puts what was received in its place
   * @param maxMessages that the command takes; as many as the client is offered when absent
   */
  constructor(session: Session, head: CommandHead, commit: CommitMessages, maxMessages?: number) {
    this.#session = session
    this.#head = head
    this.#commit = commit
    this.#maxMessages = maxMessages ?? (session.offer.has('MULTIAPPEND') ? session.limits.items : 1)
  }

  /** @param args the arguments before the first message */
  async receive(args: Arguments, first: IncomingLiteral): Promise<Completion> {
    try {
      const target = await this.#guarded(first, async () => {
        args.space()
        const name = parseMailbox(args)
        args.space()
        return await targetOf(this.#session, name)
      })
      await this.#receiveAll(args, first, target)
      if (target === undefined) return NO_TARGET
      return await this.#finish(target)
    } catch (cause) {
      await this.#release()
      if (cause instanceof Refusal) return cause.completion
      throw cause
    }
  }

  async #receiveAll(first: Arguments, literal: IncomingLiteral, target: ReachedMailbox | undefined): Promise<void> {
    let args = first
    let next: IncomingLiteral | undefined = literal
    while (next !== undefined) {
      const current: IncomingLiteral = next
      const options = await this.#guarded(current, () => this.#check(args, current, target))
      const message = await this.#store(current, options)
      if (!(message instanceof Error)) this.#messages.push(message)
      const read = await this.#session.continueAfter(this.#head)
      if (read.kind === 'bye') throw new SessionEnd(read.text)
      if (read.kind === 'refused') throw new Refusal(bad(read.text))
      next = read.kind === 'message' ? read.literal : undefined
      if (message instanceof Error) throw await this.#refusal(next, completionOfError(message))
      args = read.args
      if (options.isUtf8) await this.#closing(args, next)
      if (next === undefined) args.end()
      else await this.#guarded(next, async () => args.space())
    }
  }

  async #closing(args: Arguments, next: IncomingLiteral | undefined): Promise<void> {
    if (next === undefined) args.expect(')')
    else await this.#guarded(next, async () => args.expect(')'))
  }

  /** Runs what may fail while a literal waits: then the literal is refused with what the failure means. */
  async #guarded<T>(literal: IncomingLiteral, run: () => Promise<T>): Promise<T> {
    try {
      return await run()
    } catch (cause) {
      throw await this.#refusal(literal, cause instanceof Refusal ? cause.completion : this.#completionOf(cause))
    }
  }

  #completionOf(cause: unknown): Completion {
    const completion = completionOfError(cause)
    if (completion.code === 'UNAVAILABLE')
      this.#session.log.error({ err: cause, command: 'APPEND' }, 'a command failed')
    return completion
  }

  async #refusal(literal: IncomingLiteral | undefined, completion: Completion): Promise<Refusal> {
    if (literal !== undefined) await this.#session.refuse(literal, completion)
    return new Refusal(completion)
  }

  /** Flags and date of a message, and whether it may come at all: before its first octet is asked for. */
  async #check(args: Arguments, literal: IncomingLiteral, target: ReachedMailbox | undefined): Promise<MessageOptions> {
    const { limits, clock, server, services } = this.#session
    let flags: readonly string[] = []
    let internalDate = clock.now()
    if (args.next === '(') {
      flags = parseFlagList(args, limits)
      args.space()
    }
    if (args.next === '"') {
      internalDate = parseDateTime(args)
      args.space()
    }
    const isUtf8 = args.knows('APPEND UTF8') && args.skipWord('UTF8 (')
    if (isUtf8 && !this.#session.isUtf8) throw new SyntaxFault('ENABLE UTF8=ACCEPT first')
    args.end()
    if (target === undefined) throw new Refusal(NO_TARGET)
    // RFC 4314 section 4: flags that the user may not set are not stored, and the message is not refused.
    flags = flags.filter((flag) => target.rights.includes(rightForFlag(flag)))
    // RFC 6855 section 4: a message in UTF-8 stands in UTF8 (~{…}).
    if (isUtf8 && !literal.isBinary) throw new SyntaxFault('Binary literal expected')
    if (literal.isBinary && !isUtf8 && !args.knows('APPEND BINARY'))
      throw new SyntaxFault('Binary literals are not known here')
    if (literal.size === 0) throw new Refusal(no('A message has at least one octet', 'CANNOT'))
    if (this.#messages.length > 0 && this.#maxMessages === 1) throw new SyntaxFault('One message at a time')
    if (this.#messages.length >= this.#maxMessages) throw new Refusal(no('Too many messages', 'LIMIT'))
    const { messageBytes } = server.limits
    if (messageBytes > 0 && literal.size > messageBytes) throw new Refusal(no('Message is too large', 'TOOBIG'))
    const quota = await services.store.quota(target.account)
    const isOver =
      quota.usedBytes + this.#octets + literal.size > (quota.maxBytes ?? Number.POSITIVE_INFINITY) ||
      quota.usedMessages + this.#messages.length + 1 > (quota.maxMessages ?? Number.POSITIVE_INFINITY)
    if (isOver) throw new Refusal(no('Quota exceeded', 'OVERQUOTA'))
    this.#octets += literal.size
    return { flags, internalDate, isUtf8 }
  }

  /** Reads the literal to its end, whatever the store says. @returns the store's error when it failed */
  async #store(literal: IncomingLiteral, options: MessageOptions): Promise<NewMessage | Error> {
    const writer = await this.#session.services.blobs.writer().catch(errorOf)
    const indexer = new MessageIndexer()
    let fault = writer instanceof Error ? writer : undefined
    try {
      for await (const chunk of literal.chunks()) {
        if (fault !== undefined || writer instanceof Error) continue
        // RFC 3516 section 4.4: what only a binary body could hold is not stored here.
        if (literal.isBinary && chunk.includes(0)) fault = new UnknownEncoding('NUL')
        indexer.write(chunk)
        fault ??= await writer.write(chunk).then(() => undefined, errorOf)
      }
      if (fault !== undefined || writer instanceof Error) {
        if (!(writer instanceof Error)) await writer.abort()
        return fault as Error
      }
      const index = indexer.finish()
      const blob = await writer.finish().catch(errorOf)
      const { flags, internalDate } = options
      return blob instanceof Error ? blob : { blob, index, flags, internalDate }
    } catch (cause) {
      // The client has left in the middle.
      if (!(writer instanceof Error)) await writer.abort()
      throw cause
    }
  }

  async #finish(target: ReachedMailbox): Promise<Completion> {
    const messages = this.#messages.splice(0)
    return this.#commit(target, messages).catch((cause: unknown) => {
      // Anything else may have come after the commit reached the disk: a blob that is needed must not go.
      if (REFUSED_WHOLE.has(codeOf(cause))) this.#messages.push(...messages)
      throw cause
    })
  }

  async #release(): Promise<void> {
    const refs: readonly BlobRef[] = this.#messages.map(({ blob }) => blob)
    await Promise.allSettled(refs.map((ref) => this.#session.services.blobs.release(ref)))
  }
}

function errorOf(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
