import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { type Accepted, type Clock, type Log, saslChannel, type TlsContexts, tlsFacts } from 'mailserver'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection'
import type { SMTPStream } from 'smtp-server/lib/smtp-stream'
import { busyPoll } from './busy-poll.ts'
import type { MailServer } from './server.ts'
import type { Session } from './session.ts'
import { CommandStream, type StreamFault } from './wire/command-stream.ts'
import type { MessageSource } from './wire/message-source.ts'
import { CLOSE, formatReply, type Reply, reply } from './wire/reply.ts'

export interface ConnectionParts {
  readonly accepted: Accepted
  readonly session: Session
  readonly tls: TlsContexts
  readonly clock: Clock
  readonly log: Log
  readonly earlyTalkerMs: number
  readonly onClose: () => void
}

const STOPPING = reply(421, '4.3.2', 'Server is going down, come again', CLOSE)

/**
 * The socket side of a session. Of smtp-server's connection it keeps the sockets, the timers and the way to close; what
 * to answer is the session's, and what a line is the stream's.
 */
export class MailConnection extends SMTPConnection {
  readonly #parts: ConnectionParts
  #isDraining = false
  #replies = 0
  #cancelWatch = nothing
  /** The message that is on its way, until it is answered. */
  #message: MessageSource | undefined

  constructor(server: MailServer, parts: ConnectionParts) {
    const { socket, connection, isTls } = parts.accepted
    super(server, socket, {
      id: connection.id,
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      remoteAddress: connection.remoteAddress,
      remotePort: connection.remotePort,
    })
    this.#parts = parts
    this.secure = isTls
    this.session.secure = isTls
  }

  /** What the session does, for `status`. */
  get state(): string {
    if (!this._ready) return 'greeting'
    if (this._upgrading) return 'tls'
    if (this.#message !== undefined) return 'data'
    return this.#parts.session.transaction === undefined ? 'ready' : 'transaction'
  }

  override init(): void {
    this.#watch(this._socket)
    this._armTimeout()
    this.#watchProgress('')
    this.#run(this.#greet())
  }

  /** Ends the session as soon as no message is on its way: now, or when the transaction in hand is over. */
  drain(): void {
    this.#isDraining = true
    if (!this._handlerPending && this.#message === undefined && this._ready && !this._upgrading) this.#endIfIdle()
  }

  /** Ends the session whatever it does, once what was said to the peer is on its way. */
  cut(): void {
    this.#write(STOPPING)
    this._socket.destroySoon()
  }

  override _createParser(): SMTPStream {
    const server = this._server as MailServer
    const parser = new CommandStream(server.streamLimits)
    // Not assigned as they are written: V8 makes such functions in its old generation, where the session stays with them.
    const onCommand: CommandStream['oncommand'] = (line, next = nothing) => this._onCommand(line, next)
    const onFault: CommandStream['onfault'] = (fault, next) => this.#onFault(fault, next)
    const onEnd = () => {
      // Of a parser that TLS has replaced nobody wants to hear.
      if (parser === this._parser) this.#onEnd()
    }
    Object.assign(parser, { oncommand: onCommand, onfault: onFault, onend: onEnd })
    parser.on('error', () => this.close())
    return parser
  }

  override _onCommand(line: Buffer, next: () => void = nothing): void {
    // What came in clear after STARTTLS is not obeyed (RFC 3207 section 6), nor is anything after the last reply.
    if (this._upgrading || this._closing) {
      next()
      return
    }
    this._handlerPending = true
    this.#run(this.#parts.session.handle(line).then((answer) => this.#answer(answer, next)))
  }

  /** What smtp-server itself has to say: the idle timeout, alone. */
  override send(code: number, data?: string | string[] | null): void {
    this.#write(reply(code, code === 421 ? '4.4.2' : '5.5.1', [data ?? ''].flat().join(' ')))
    if (code === 421) this.close()
  }

  override _onError(err: Error): void {
    this.#parts.log.debug({ reason: err.message }, 'the peer is gone')
    this._socket.destroy()
  }

  /** A command or a message is being answered, or the answer is not out yet. */
  get #isOurTurn(): boolean {
    return this._handlerPending || this.#message?.isEnded === true || this._socket.writableCorked > 0
  }

  /** While it is our turn, the peer has every reason to be silent. */
  override _onTimeout(): void {
    if (this.#isOurTurn && !this._closing) this._armTimeout()
    else super._onTimeout()
  }

  override _onClose(): void {
    const isFirst = !this._closed
    this.#message?.end(new Error('the connection was closed before the end of the message'))
    super._onClose()
    if (!isFirst) return
    this.#cancelWatch()
    this.#parts.session.intake.closed()
    this.#parts.onClose()
  }

  async #greet(): Promise<void> {
    if (this.#parts.earlyTalkerMs > 0 && (await this.#talksEarly(this.#parts.earlyTalkerMs))) {
      return this.#last(reply(554, '5.5.1', 'You speak before the greeting', CLOSE))
    }
    this._handlerPending = true
    const greeting = await this.#parts.session.open()
    this._handlerPending = false
    if (this._closing || this._closed) return
    if (greeting.after?.kind === 'close') return this.#last(greeting)
    if (this.#isDraining) return this.#last(STOPPING)
    this._ready = true
    this.#write(greeting)
    if (this._parser) this._socket.pipe(this._parser)
  }

  /** RFC 5321 section 3.1: the client waits for the greeting. */
  async #talksEarly(ms: number): Promise<boolean> {
    const socket = this._socket
    const waiting = new AbortController()
    const onReadable = () => waiting.abort()
    socket.once('readable', onReadable)
    try {
      await this.#parts.clock.sleep(ms, waiting.signal)
      return false
    } catch {
      return !socket.destroyed && socket.readableLength > 0
    } finally {
      socket.off('readable', onReadable)
    }
  }

  #onFault(fault: StreamFault, next: () => void): void {
    if (this._upgrading || this._closing) next()
    else this.#run(Promise.resolve(this.#parts.session.fault(fault)).then((answer) => this.#answer(answer, next)))
  }

  /** Not an async function: most answers leave nothing to wait for. */
  #answer(answer: Reply, next: () => void): undefined | Promise<void> {
    this._handlerPending = false
    if (this._closing || this._closed) {
      next()
      return undefined
    }
    this.#write(answer)
    switch (answer.after?.kind) {
      case 'close':
        this.close()
        next()
        return undefined
      case 'quit':
        this.#leave()
        next()
        return undefined
      case 'start-tls':
        return this.#startTls(next)
      case 'data':
        return this.#takeMessage(next)
      default:
        this.#endIfIdle()
        this._whenWritable(next)
        return undefined
    }
  }

  /** Nothing is waited for: a peer that resets the connection would cost an error with a stack trace. */
  #leave(): void {
    const socket = this._socket
    socket.uncork()
    // What the system has taken it sends, and the end behind it: to say the end first would be one call more.
    if (socket.writableLength === 0 && !this.secure) {
      socket.destroy()
      return
    }
    this.close()
    socket.destroySoon()
  }

  async #takeMessage(next: () => void): Promise<void> {
    const parser = this._parser
    if (!(parser instanceof CommandStream)) return next()
    const source = parser.beginMessage()
    this.#message = source
    next()
    const replies = await this.#parts.session.message(source, () => parser.isOversized)
    this.#message = undefined
    if (this._closing || this._closed) return
    for (const one of replies) this.#write(one, true)
    if (replies.some(({ after }) => after?.kind === 'close')) return this.close()
    this.#endIfIdle()
    this._whenWritable(() => parser.continue())
  }

  async #startTls(next: () => void): Promise<void> {
    const { accepted, session, tls, log } = this.#parts
    const socket = this._socket as Socket
    const retired = this._parser
    if (retired) {
      socket.unpipe(retired)
      retired.isClosed = true
    }
    this._parser = this._createParser()
    this._upgrading = true
    // Drains the retired parser: what it holds came in clear and is forgotten.
    next()
    socket.setTimeout(0)
    let secure: TLSSocket
    try {
      const asksForCertificate = session.profile.role === 'submission'
      secure = await tls.upgrade(socket, session.profile.limits.handshakeTimeout, { asksForCertificate })
    } catch (error) {
      log.debug({ reason: error instanceof Error ? error.message : String(error) }, 'TLS handshake failed')
      socket.destroy()
      return
    }
    if (this._closed || !this._parser) {
      secure.destroy()
      return
    }
    this._socket = secure
    this._upgrading = false
    this.secure = true
    this.session.secure = true
    session.secured(saslChannel(accepted.connection, secure, tls), tlsFacts(secure))
    this.#watch(secure)
    this._armTimeout(secure)
    secure.pipe(this._parser)
    if (this.#isDraining) this.#endIfIdle()
  }

  /**
   * The idle timeout begins anew with each octet. A peer that sends one now and then would hold its connection for ever: it
   * must also bring a command, or a KiB of its message, in as much time.
   */
  #watchProgress(before: string): void {
    const { clock, session } = this.#parts
    this.#cancelWatch = clock.after(session.profile.limits.idleTimeout, () => {
      if (this._closing || this._closed) return
      const parser = this._parser
      const kibibytes = parser ? Math.floor(parser.dataBytes / 1024) : 0
      const now = `${this.#replies} ${kibibytes}`
      if (now === before && !this.#isOurTurn) return this.send(421, 'Too slow - closing connection')
      this.#watchProgress(now)
    })
  }

  /** A peer that closes its side after its last command still hears the answers (RFC 9293 section 3.6). */
  #onEnd(): void {
    if (this._closing || this._closed) return
    this.#message?.end(new Error('the peer has ended before its message'))
    this.close()
  }

  #endIfIdle(): void {
    if (this.#isDraining && !this._closing && this.#parts.session.transaction === undefined) this.#last(STOPPING)
  }

  #last(answer: Reply): void {
    this.#write(answer)
    this.close()
  }

  #watch(socket: Socket | TLSSocket): void {
    socket.allowHalfOpen = true
    socket.on('close', (hadError: boolean) => this._onCloseEvent(hadError))
    socket.on('error', (error) => this._onError(error))
  }

  /** @param isForMessage it says what became of a message */
  #write(answer: Reply, isForMessage = false): void {
    const socket = this._socket
    // During a handshake the raw socket is TLS's: octets in clear would break it.
    if (this._upgrading || this._closing || socket.destroyed || !socket.writable) return
    // Replies to pipelined commands go out together (RFC 2920 section 3.2): each write is a system call. Those of all
    // sessions go at the end of the turn: the first wakes up a peer's host, and the others find it awake. Those to messages
    // go as soon as all are there that one sync has made ready.
    if (socket.writableCorked === 0) {
      socket.cork()
      const flush = () => {
        socket.uncork()
        busyPoll.expect(socket)
      }
      if (isForMessage) process.nextTick(flush)
      else setImmediate(flush)
    }
    const text = formatReply(answer)
    this.#replies += 1
    socket.write(text)
    this.#parts.log.trace({ reply: text.trimEnd() }, 'sent')
  }

  /** Nothing that is started here is waited for: a fault ends this session and no other. */
  #run(work: Promise<void>): void {
    work.catch((err: unknown) => {
      this.#parts.log.error({ err }, 'a session failed')
      this._socket.destroy()
    })
  }
}

function nothing(): void {}
