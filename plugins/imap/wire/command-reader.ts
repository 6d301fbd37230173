import { Arguments, type Part } from './arguments.ts'
import { endOf } from './characters.ts'
import { type Announcement, announcementOf, IncomingLiteral } from './incoming-literal.ts'
import { LongLine, OctetInput, type OctetSource } from './octet-input.ts'

export interface CommandHead {
  readonly tag: string
  /** In capitals; `UID FETCH` for the command behind the prefix. */
  readonly name: string
}

/** What came from the client. After `bye` and an end of input nothing more can be read. */
export type ReadCommand =
  | { readonly kind: 'command'; readonly head: CommandHead; readonly args: Arguments }
  /** The command goes on with a message, which the handler reads; then with `continueAfter`. */
  | {
      readonly kind: 'message'
      readonly head: CommandHead
      readonly args: Arguments
      readonly literal: IncomingLiteral
    }
  /** Read to its end, and not to be run. */
  | { readonly kind: 'refused'; readonly tag: string | undefined; readonly code?: 'TOOBIG'; readonly text: string }
  /** The rest cannot be told apart from new commands: the connection must end. */
  | { readonly kind: 'bye'; readonly text: string }

export interface ReaderLimits {
  readonly lineBytes: number
  readonly literalBytes: number
  readonly commandBytes: number
  readonly literals: number
  readonly skipBytes: number
  readonly idleTimeoutMs: number
  readonly stallTimeoutMs: number
}

export interface ReaderOptions {
  readonly source: OctetSource
  /** Asked before each command and literal: they are narrower before login. */
  readonly limits: () => ReaderLimits
  /** Sends the continuation that a synchronising literal waits for. */
  readonly proceed: () => Promise<void>
  /** Is the literal that is announced next a message, which the handler reads as it comes? */
  readonly takesMessage: (head: CommandHead, args: Arguments) => boolean
  /** How large a literal may be that comes without having been asked for (RFC 7888); of any size when absent. */
  readonly nonSynchronisingBytes?: () => number
}

interface Start {
  readonly head: CommandHead
  /** Where the arguments begin, the space in front of them included. */
  readonly at: number
}

/**
 * Reads commands with their literals (RFC 3501 sections 2.2.1, 4.3; RFC 7888). Whatever a client sends, no more than
 * `commandBytes` and one read are held; a synchronising literal that is refused is refused before its first octet.
 */
export class CommandReader {
  readonly input: OctetInput
  readonly #options: ReaderOptions

  constructor(options: ReaderOptions) {
    this.#options = options
    this.input = new OctetInput(options.source)
  }

  /** @throws PeerGone, PeerSilent */
  async read(): Promise<ReadCommand> {
    const limits = this.#options.limits()
    const line = await this.#line(limits.idleTimeoutMs)
    if (typeof line !== 'string') return line
    const announcement = announcementOf(line)
    const text = announcement?.text ?? line
    const start = startOf(text)
    if (start === undefined) return this.#refuse(undefined, 'Tag and command expected', announcement)
    return this.#collect(start, [{ kind: 'text', text }], announcement)
  }

  /** The next command, if it is of this name, in one line, and has come to its end; it is left for `read` otherwise. */
  readBuffered(name: string): (ReadCommand & { kind: 'command' }) | undefined {
    const line = this.input.peekLine(this.#options.limits().lineBytes)
    if (line === undefined) return undefined
    const text = line.toString('latin1')
    const start = startOf(text)
    if (start?.head.name !== name || announcementOf(text) !== undefined) return undefined
    this.input.skipLine()
    return { kind: 'command', head: start.head, args: new Arguments([{ kind: 'text', text }], start.at) }
  }

  /** A line that is no command: DONE, or an answer to AUTHENTICATE. undefined when it is too long. */
  async line(): Promise<string | undefined> {
    const line = await this.#line(this.#options.limits().idleTimeoutMs)
    return typeof line === 'string' ? line : undefined
  }

  /** Reads on after the message of a `message`: its last text, or the next message (RFC 3502). */
  async continueAfter(head: CommandHead): Promise<ReadCommand> {
    const line = await this.#line(this.#options.limits().stallTimeoutMs)
    if (typeof line !== 'string') return line
    const announcement = announcementOf(line)
    const args = new Arguments([{ kind: 'text', text: announcement?.text ?? line }])
    if (announcement === undefined) return { kind: 'command', head, args }
    return { kind: 'message', head, args, literal: this.#literal(announcement) }
  }

  /**
   * Reads a command to its end without running it, after a literal was refused.
   * @returns false when that would take more than `skipBytes`, or the end of the line cannot be found: the connection must end
   */
  async skip(literal: IncomingLiteral): Promise<boolean> {
    const { skipBytes, literals } = this.#options.limits()
    let next: IncomingLiteral | undefined = literal
    let skipped = 0
    for (let count = 0; next !== undefined; count++) {
      // The client sends nothing more of a command whose synchronising literal was answered with NO or BAD.
      if (next.isSynchronising) return true
      skipped += next.size
      if (skipped > skipBytes || count > literals) return false
      await next.drain()
      const line = await this.#line(this.#options.limits().stallTimeoutMs)
      if (typeof line !== 'string') return line.kind !== 'bye'
      const announcement = announcementOf(line)
      next = announcement === undefined ? undefined : this.#literal(announcement)
    }
    return true
  }

  async #collect(start: Start, parts: Part[], first: Announcement | undefined): Promise<ReadCommand> {
    const { head, at } = start
    let announcement = first
    let octets = (parts[0] as { text: string }).text.length
    for (let literals = 0; announcement !== undefined; literals++) {
      const args = new Arguments(parts, at)
      const literal = this.#literal(announcement)
      if (!literal.isSynchronising && literal.size > (this.#options.nonSynchronisingBytes?.() ?? literal.size)) {
        return this.#refuse(head.tag, 'Wait until a literal is asked for', announcement)
      }
      if (this.#options.takesMessage(head, args))
        return { kind: 'message', head, args: new Arguments(parts, at), literal }
      const limits = this.#options.limits()
      octets += literal.size
      if (literal.size > limits.literalBytes || octets > limits.commandBytes || literals >= limits.literals) {
        return this.#refuse(head.tag, 'Literal is too large', announcement, 'TOOBIG')
      }
      parts.push({ kind: 'literal', octets: await literal.whole(), isBinary: literal.isBinary })
      const line = await this.#line(limits.stallTimeoutMs)
      if (typeof line !== 'string') return line.kind === 'refused' ? { ...line, tag: head.tag } : line
      announcement = announcementOf(line)
      const text = announcement?.text ?? line
      octets += text.length
      if (octets > limits.commandBytes) return this.#refuse(head.tag, 'Command is too long', announcement, 'TOOBIG')
      parts.push({ kind: 'text', text })
    }
    return { kind: 'command', head, args: new Arguments(parts, at) }
  }

  async #refuse(
    tag: string | undefined,
    text: string,
    announcement: Announcement | undefined,
    code?: 'TOOBIG',
  ): Promise<ReadCommand> {
    const refused: ReadCommand = { kind: 'refused', tag, text, ...(code && { code }) }
    if (announcement === undefined || (await this.skip(this.#literal(announcement)))) return refused
    return { kind: 'bye', text: 'Literal is far too large' }
  }

  #literal(announcement: Announcement): IncomingLiteral {
    return new IncomingLiteral(announcement, this.input, this.#options.limits().stallTimeoutMs, this.#options.proceed)
  }

  /** A line as octets, or what to answer instead. */
  async #line(firstMs: number): Promise<string | (ReadCommand & { kind: 'refused' | 'bye' })> {
    const { lineBytes, stallTimeoutMs, commandBytes } = this.#options.limits()
    const line = await this.input.line(lineBytes, { firstMs, restMs: stallTimeoutMs }, commandBytes)
    if (!(line instanceof LongLine)) return line.toString('latin1')
    if (line.isEndless) return { kind: 'bye', text: 'Line is far too long' }
    return { kind: 'refused', tag: startOf(line.start.toString('latin1'))?.head.tag, text: 'Line is too long' }
  }
}

/** Tag and name; undefined when the line does not begin with them. */
function startOf(text: string): Start | undefined {
  const tagEnd = endOf('tag', text, 0)
  if (tagEnd === 0 || text.charAt(tagEnd) !== ' ') return undefined
  const tag = text.slice(0, tagEnd)
  const end = endOf('atom', text, tagEnd + 1)
  if (end === tagEnd + 1) return { head: { tag, name: '' }, at: end }
  const name = text.slice(tagEnd + 1, end).toUpperCase()
  if (name !== 'UID' || text.charAt(end) !== ' ') return { head: { tag, name }, at: end }
  const uidEnd = endOf('atom', text, end + 1)
  return { head: { tag, name: `UID ${text.slice(end + 1, uidEnd).toUpperCase()}` }, at: uidEnd }
}
