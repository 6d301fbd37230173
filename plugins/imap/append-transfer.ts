import { type BlobRef, codeOf, type MailErrorCode, type NewMessage } from 'mailserver'
import { NO_TARGET, targetOf } from './commands/copy.ts'
import { bad, type Completion, no } from './completion.ts'
import { completionOfError } from './completion-of-error.ts'
import { isFatal } from './fatal.ts'
import { IncomingMessage } from './incoming-message.ts'
import type { ReachedMailbox } from './mailbox-access.ts'
import { openUrl, type UrlOctets } from './message-of-url.ts'
import { Progress, whileWaiting } from './progress.ts'
import type { Session } from './session.ts'
import { SessionEnd } from './session-end.ts'
import { rightForFlag } from './updates.ts'
import type { Arguments } from './wire/arguments.ts'
import type { CommandHead } from './wire/command-reader.ts'
import { parseDateTime } from './wire/date-time.ts'
import { parseFlagList } from './wire/flags.ts'
import { formatBadUrl } from './wire/imap-url.ts'
import type { IncomingLiteral } from './wire/incoming-literal.ts'
import { parseMailbox } from './wire/mailbox-name.ts'
import { SyntaxFault } from './wire/syntax-fault.ts'

interface MessageOptions {
  readonly flags: readonly string[]
  readonly internalDate: number
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

/** A message without a literal stands behind its flags and its date. */
const CATENATE = / .*CATENATE \(/iy

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
 * Takes the messages of one command into the BlobStore, indexing them on the way: from the wire as they come, or put
 * together from pieces of others (CATENATE, RFC 4469). Whatever goes wrong, the command is read to its end before it is
 * answered, and no blob is left behind.
 */
export class AppendTransfer {
  readonly #session: Session
  readonly #head: CommandHead
  readonly #commit: CommitMessages
  readonly #maxMessages: number
  readonly #messages: NewMessage[] = []
  /** What stands between two literals, and the literal behind it that was not read yet. */
  #args: Arguments
  #literal: IncomingLiteral | undefined
  #target: ReachedMailbox | undefined
  /** Octets of all messages, and of the one in hand. */
  #octets = 0
  #messageOctets = 0
  /** Octets of all messages that are here, of how many only the client knows. */
  #received = 0
  readonly #progress: Progress
  #pieces = 0

  /**
   * @param args the arguments before the first message
   * @param literal the first literal; undefined when the command has none
   * @param commit puts what was received in its place
   * @param maxMessages that the command takes; as many as the client is offered when absent
   */
  constructor(
    session: Session,
    head: CommandHead,
    { args, literal }: { readonly args: Arguments; readonly literal: IncomingLiteral | undefined },
    commit: CommitMessages,
    maxMessages?: number,
  ) {
    this.#session = session
    this.#head = head
    this.#args = args
    this.#literal = literal
    this.#commit = commit
    this.#progress = new Progress(session, undefined)
    this.#maxMessages = maxMessages ?? (session.offer.has('MULTIAPPEND') ? session.limits.items : 1)
  }

  /** @throws what ends the session; everything else becomes the answer */
  async receive(): Promise<Completion> {
    try {
      this.#args.space()
      const name = parseMailbox(this.#args)
      this.#target = await targetOf(this.#session, name)
      if (!this.#hasMore) throw new SyntaxFault('Message literal expected')
      while (this.#hasMore) await this.#message()
      this.#args.end()
      return await this.#finish()
    } catch (cause) {
      await this.#release()
      if (isFatal(cause) || this.#session.signal.aborted) throw cause
      const completion = cause instanceof Refusal ? cause.completion : this.#completionOf(cause)
      return this.#literal === undefined ? completion : await this.#session.input.refuse(this.#literal, completion)
    }
  }

  /** A message follows: one that stands in a literal, or one that may do without. */
  get #hasMore(): boolean {
    return this.#literal !== undefined || this.#args.looksLike(CATENATE)
  }

  async #message(): Promise<void> {
    this.#args.space()
    const options = this.#options()
    this.#messageOctets = 0
    const message = await IncomingMessage.begin(this.#session.services.blobs)
    try {
      if (this.#args.knows('APPEND CATENATE') && this.#args.skipWord('CATENATE (')) await this.#catenate(message)
      else await this.#piece(message)
      if (this.#messageOctets === 0) throw new Refusal(no('A message has at least one octet', 'CANNOT'))
      const finishing = message.finish(options.flags, options.internalDate)
      const stored = await whileWaiting(this.#session, finishing, this.#progress)
      if (stored instanceof Error) throw stored
      this.#messages.push(stored)
    } finally {
      await message.abort()
    }
  }

  /** Flags and date of a message. */
  #options(): MessageOptions {
    const { limits, clock } = this.#session
    const args = this.#args
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
    // RFC 4314 section 4: flags that the user may not set are not stored, and the message is not refused.
    const rights = this.#target?.rights ?? ''
    flags = flags.filter((flag) => rights.includes(rightForFlag(flag)))
    if (this.#messages.length > 0 && this.#maxMessages === 1) throw new SyntaxFault('One message at a time')
    if (this.#messages.length >= this.#session.saveLimit)
      throw new Refusal(no('Too many messages in one APPEND', `MESSAGELIMIT ${this.#session.saveLimit}`))
    if (this.#messages.length >= this.#maxMessages) throw new Refusal(no('Too many messages', 'LIMIT'))
    return { flags, internalDate }
  }

  /** RFC 4469 section 5: pieces from here and from other messages, one behind the other. */
  async #catenate(message: IncomingMessage): Promise<void> {
    do {
      this.#pieces += 1
      if (this.#pieces > this.#session.limits.items) throw new Refusal(no('Too many pieces', 'LIMIT'))
      if (this.#args.skipWord('URL ')) await this.#url(message)
      else if (this.#args.skipWord('TEXT ')) await this.#text(message)
      else await this.#utf8(message)
    } while (this.#args.skip(' '))
    this.#args.expect(')')
  }

  /** A message, or a piece of one, that is no URL. */
  async #piece(message: IncomingMessage): Promise<void> {
    if (/^U$/i.test(this.#args.next)) await this.#utf8(message)
    else if (this.#literal === undefined) throw new SyntaxFault('Message literal expected')
    else await this.#text(message)
  }

  /** RFC 6855 section 4: a message in UTF-8 stands in UTF8 (~{…}). */
  async #utf8(message: IncomingMessage): Promise<void> {
    if (!this.#args.knows('APPEND UTF8') || !this.#args.skipWord('UTF8 ('))
      throw new SyntaxFault('Message literal expected')
    if (!this.#session.isUtf8) throw new SyntaxFault('ENABLE UTF8=ACCEPT first')
    if (this.#literal?.isBinary !== true) throw new SyntaxFault('Binary literal expected')
    await this.#octetsOf(this.#literal, message)
    this.#args.expect(')')
  }

  async #text(message: IncomingMessage): Promise<void> {
    const literal = this.#literal
    if (literal?.isBinary && !this.#args.knows('APPEND BINARY'))
      throw new SyntaxFault('Binary literals are not known here')
    await this.#octetsOf(literal, message)
  }

  /** Reads the literal that is next to its end, whatever the store says, and what stands behind it. */
  async #octetsOf(literal: IncomingLiteral | undefined, message: IncomingMessage): Promise<void> {
    this.#args.end()
    if (literal === undefined) throw new SyntaxFault('Literal expected')
    await this.#admit(literal.size)
    for await (const chunk of literal.chunks()) await this.#write(message, chunk)
    await this.#advance()
    if (message.fault !== undefined) throw message.fault
  }

  async #url(message: IncomingMessage): Promise<void> {
    const url = await this.#urlText()
    if (/;PARTIAL=/i.test(url) && !this.#args.knows('APPEND PARTIAL')) throw new SyntaxFault('No such URL here')
    const octets: UrlOctets | undefined = await openUrl(this.#session, url)
    if (octets === undefined) throw new Refusal(no('There is nothing at that URL', formatBadUrl(url)))
    await this.#admit(octets.size)
    try {
      for await (const chunk of octets.chunks()) await this.#write(message, chunk)
    } catch (cause) {
      // Expunged while it was read.
      if (codeOf(cause) !== 'NOT_FOUND') throw cause
      throw new Refusal(no('There is nothing at that URL any more', formatBadUrl(url)))
    }
    if (message.fault !== undefined) throw message.fault
  }

  async #write(message: IncomingMessage, chunk: Buffer): Promise<void> {
    await message.write(chunk)
    this.#received += chunk.length
    this.#progress.tell(this.#received)
  }

  /** A URL is a text, which may come as a literal. */
  async #urlText(): Promise<string> {
    if (!this.#args.isAtEnd) return this.#args.astring()
    const literal = this.#literal
    if (literal === undefined) throw new SyntaxFault('URL expected')
    if (literal.size > this.#session.limits.literalBytes) throw new Refusal(no('Literal is too large', 'TOOBIG'))
    const octets = await literal.whole()
    await this.#advance()
    return octets.toString('latin1')
  }

  /** May so many octets come as well? Asked before the first of them is. */
  async #admit(size: number): Promise<void> {
    const { server, services } = this.#session
    if (this.#target === undefined) throw new Refusal(NO_TARGET)
    const { messageBytes } = server.limits
    this.#messageOctets += size
    this.#octets += size
    if (messageBytes > 0 && this.#messageOctets > messageBytes) throw new Refusal(no('Message is too large', 'TOOBIG'))
    const quota = await services.store.quota(this.#target.account)
    const isOver =
      quota.usedBytes + this.#octets > (quota.maxBytes ?? Number.POSITIVE_INFINITY) ||
      quota.usedMessages + this.#messages.length + 1 > (quota.maxMessages ?? Number.POSITIVE_INFINITY)
    if (isOver) throw new Refusal(no('Quota exceeded', 'OVERQUOTA'))
  }

  /** Reads on behind a literal that was read: to the next one, or to the end of the command. */
  async #advance(): Promise<void> {
    this.#literal = undefined
    const read = await this.#session.input.continueAfter(this.#head)
    if (read.kind === 'bye') throw new SessionEnd(read.text)
    if (read.kind === 'refused') throw new Refusal(bad(read.text))
    this.#args = read.args
    this.#args.hidden = this.#session.offer.hiddenItems
    this.#literal = read.kind === 'message' ? read.literal : undefined
  }

  #completionOf(cause: unknown): Completion {
    const completion = completionOfError(cause)
    if (completion.code === 'UNAVAILABLE')
      this.#session.log.error({ err: cause, command: 'APPEND' }, 'a command failed')
    return completion
  }

  async #finish(): Promise<Completion> {
    const target = this.#target
    if (target === undefined) return NO_TARGET
    const messages = this.#messages.splice(0)
    const committing = this.#commit(target, messages)
    return whileWaiting(this.#session, committing, this.#progress).catch((cause: unknown) => {
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
