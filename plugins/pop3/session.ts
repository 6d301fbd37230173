import {
  type Accepted,
  type Account,
  type Authenticator,
  type BlobStore,
  type Connection,
  codeOf,
  connectionOpened,
  type Engine,
  type HookRunner,
  LineReader,
  type MailErrorCode,
  type MailStore,
  PeerGone,
  ReplyWriter,
  type Sasl,
  type SaslExchange,
  type SessionInfo,
  saslChannel,
  type TlsContexts,
  tlsFacts,
} from 'mailserver'
import type { CommandContext } from './commands/command.ts'
import type { CrlfSizes } from './crlf-sizes.ts'
import { dispatch } from './dispatch.ts'
import { replyFor } from './error-replies.ts'
import { MAX_LINE_BYTES } from './limits.ts'
import { LoginAttempts, type LoginTools, type Refused } from './login.ts'
import type { LoginDelay } from './login-delay.ts'
import { Maildrop } from './maildrop.ts'
import { lockMaildrop } from './maildrop-lock.ts'
import type { Pop3Options } from './options.ts'
import { policyOf } from './policy.ts'
import { sendReply } from './send-reply.ts'
import { close, fault, ok, type Reply, refuse } from './wire/reply.ts'

export interface SessionTools extends LoginTools {
  readonly hostname: string
  readonly options: Pop3Options
  readonly authenticator: Authenticator
  readonly sasl: Sasl
  readonly engine: Engine
  readonly store: MailStore
  readonly blobs: BlobStore
  readonly sizes: CrlfSizes
  readonly delay: LoginDelay
  readonly tls: TlsContexts
  readonly run: HookRunner
}

const SHUTTING_DOWN = close(refuse('Shutting down', 'SYS/TEMP'))
/** Errors that somebody has to look into; the others are the client's, or of the moment. */
const OUR_FAULTS: ReadonlySet<MailErrorCode> = new Set(['UNAVAILABLE', 'CORRUPT', 'STORE_FULL'])
const TOO_MANY_FAULTS = close(refuse('Too many faults'))

/** One POP3 connection from greeting to close (RFC 1939): reads a command, runs it, writes its reply. */
export class Session implements CommandContext {
  readonly #tools: SessionTools
  readonly #logins: LoginAttempts
  readonly #gone = new AbortController()
  readonly #loginDeadline: number
  #socket: Accepted['socket']
  #connection: Connection
  #reader: LineReader
  #writer: ReplyWriter
  #account: Account | undefined
  #answer: ((line: string) => Promise<Reply>) | undefined
  #faults = 0
  #isDraining = false
  isTls: boolean
  maildrop: Maildrop | undefined
  loginName: string | undefined
  isUtf8 = false

  constructor({ socket, connection, isTls }: Accepted, tools: SessionTools) {
    this.#tools = tools
    this.#socket = socket
    this.#connection = connection
    this.isTls = isTls
    this.#reader = this.#newReader()
    this.#writer = this.#newWriter()
    this.#loginDeadline = tools.clock.now() + tools.limits.loginTimeoutMs
    this.#logins = new LoginAttempts(tools, connection, this.#gone.signal)
    socket.once('close', () => this.#gone.abort(new PeerGone('the peer has left')))
  }

  describe(): SessionInfo {
    const { id, protocol, remoteAddress, openedAt } = this.#connection
    return {
      id,
      protocol,
      remoteAddress,
      openedAt,
      state: this.maildrop === undefined ? 'authorization' : 'transaction',
      tls: this.isTls,
      ...(this.#account !== undefined && {
        account: `${this.#account.address.local}@${this.#account.address.domain}`,
      }),
    }
  }

  /** Resolves when the session is over, its lock is free and its connection closed. Never rejects. */
  async serve(): Promise<void> {
    const { log } = this.#tools
    const session = this.#connection.id
    try {
      if (await this.#greet()) await this.#converse()
    } catch (err) {
      if (err instanceof PeerGone) log.debug({ session, reason: err.message }, 'the peer has left')
      else log.error({ err, session }, 'a session ended with a fault')
      this.#socket.destroy()
    } finally {
      await this.#release()
    }
    await this.#writer.close()
  }

  /** Lets the command in hand finish, then says that the server shuts down. */
  drain(): void {
    this.#isDraining = true
    this.#reader.interrupt()
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#socket.destroy()
  }

  get saslMechanisms(): readonly string[] {
    return this.#tools.sasl.mechanisms(this.#channel())
  }

  get retention(): string {
    const { options } = this.#tools
    const days = this.#account === undefined ? options.expireDays : policyOf(this.#account, options).expireDays
    // RFC 2449 section 6.7: USER says that it may be another for this user.
    const isOwn = this.#account === undefined && Object.keys(options.users).length > 0
    return `${days ?? 'NEVER'}${isOwn ? ' USER' : ''}`
  }

  get loginDelay(): string | undefined {
    const { loginDelay } = this.#tools.options
    return loginDelay === 0 ? undefined : String(Math.ceil(loginDelay / 1000))
  }

  startSasl(mechanism: string): SaslExchange | undefined {
    return this.#tools.sasl.start(mechanism, this.#channel())
  }

  authenticate(login: string, password: string): Promise<Account> {
    const { protocol, remoteAddress } = this.#connection
    const credentials = { mechanism: 'USER' as const, login, password, protocol, remoteAddress }
    return this.#tools.authenticator.authenticate(credentials, this.#gone.signal)
  }

  prove<T>(step: () => Promise<T>): Promise<T | Refused> {
    return this.#logins.prove(step)
  }

  async logIn(account: Account): Promise<Reply> {
    const { options, engine, delay, store, blobs, sizes, clock } = this.#tools
    const tools = { store, blobs, sizes, clock }
    let maildrop: Maildrop
    try {
      await delay.enter(account.id)
      const lease = await lockMaildrop(engine, account.id)
      try {
        this.#gone.signal.throwIfAborted()
        maildrop = await Maildrop.open({ ...tools, account: account.id, policy: policyOf(account, options), lease })
      } catch (err) {
        await lease.release()
        throw err
      }
    } catch (err) {
      return replyFor(err)
    }
    this.#account = account
    this.maildrop = maildrop
    this.#logins.loggedIn(account, maildrop.count)
    return ok(`${maildrop.count} messages (${maildrop.octets} octets)`)
  }

  #channel() {
    // mutt takes what binds where it is offered and may be built without it; after that it reads each answer one too late.
    const channel = saslChannel(this.#connection, this.#socket, this.#tools.tls, this.#gone.signal)
    return { ...channel, bindsChannel: false }
  }

  async #greet(): Promise<boolean> {
    const { run, hostname } = this.#tools
    const { verdict } = await run.verdict(connectionOpened, { connection: this.#connection }, this.#gone.signal)
    if (verdict.action === 'defer' || verdict.action === 'reject') {
      await this.#send(refuse(verdict.text, verdict.action === 'defer' ? 'SYS/TEMP' : 'SYS/PERM'))
      return false
    }
    await this.#send(ok(`${hostname} POP3 ready`))
    return true
  }

  async #converse(): Promise<void> {
    for (;;) {
      if (this.#isDraining) return this.#send(SHUTTING_DOWN)
      if (!this.#reader.hasLine) await this.#writer.flush()
      const reply = await this.#next()
      if (reply === undefined) return
      await this.#send(reply)
      if (reply.next === 'close') return
      if (reply.next === 'start-tls') await this.#startTls()
      this.#answer = typeof reply.next === 'object' ? reply.next.answer : undefined
    }
  }

  /** The reply to the next line; undefined when there is nobody to answer. */
  async #next(): Promise<Reply | undefined> {
    const event = await this.#reader.read(this.#patienceMs())
    switch (event.kind) {
      case 'line':
        return this.#counted(await this.#run(event.line))
      case 'too-long':
        return this.#counted(fault('Line too long'))
      case 'bare-lf':
        return this.#counted(fault('Lines end in CRLF'))
      case 'interrupted':
        return SHUTTING_DOWN
      case 'flood':
        return TOO_MANY_FAULTS
      case 'timeout':
        // RFC 1939 section 3: closed without a response, and nothing is removed.
        return undefined
      case 'end':
        return undefined
    }
  }

  #patienceMs(): number {
    const { limits, clock } = this.#tools
    if (this.maildrop !== undefined) return limits.idleTimeoutMs
    return Math.max(0, this.#loginDeadline - clock.now())
  }

  async #run(line: Buffer): Promise<Reply> {
    const answer = this.#answer
    this.#answer = undefined
    let reply: Reply
    try {
      reply = answer === undefined ? await dispatch(this, line) : await answer(line.toString('latin1'))
    } catch (err) {
      reply = replyFor(err)
    }
    if (reply.cause !== undefined) this.#logFailure(reply.cause)
    return reply
  }

  #logFailure(err: unknown): void {
    const session = this.#connection.id
    const isOurs = OUR_FAULTS.has(codeOf(err))
    this.#tools.log[isOurs ? 'error' : 'debug']({ err, session }, 'a command failed')
  }

  #counted(reply: Reply): Reply {
    if (!reply.isClientFault) return reply
    this.#faults += 1
    return this.#faults >= this.#tools.limits.maxFaults ? TOO_MANY_FAULTS : reply
  }

  #send(reply: Reply): Promise<void> {
    return sendReply(this.#writer, reply)
  }

  async #startTls(): Promise<void> {
    const { tls, limits, log } = this.#tools
    const session = this.#connection.id
    const discarded = this.#reader.detach()
    if (discarded > 0) log.warn({ session, octets: discarded }, 'plaintext behind STLS was thrown away')
    await this.#writer.drain()
    try {
      const secure = await tls.upgrade(this.#socket, limits.handshakeTimeoutMs, { asksForCertificate: true })
      this.#socket = secure
      this.#connection = { ...this.#connection, tls: tlsFacts(secure) }
    } catch (err) {
      throw new PeerGone(`no TLS: ${err instanceof Error ? err.message : err}`)
    }
    this.isTls = true
    // RFC 2595 section 4: what was learned in clear is forgotten.
    this.loginName = undefined
    this.isUtf8 = false
    this.#reader = this.#newReader()
    this.#writer = this.#newWriter()
    if (this.#isDraining) this.#reader.interrupt()
  }

  #newReader(): LineReader {
    return new LineReader(this.#socket, { maxLineBytes: MAX_LINE_BYTES, clock: this.#tools.clock })
  }

  #newWriter(): ReplyWriter {
    const { clock, limits } = this.#tools
    return new ReplyWriter(this.#socket, { clock, stallTimeoutMs: limits.stallTimeoutMs })
  }

  async #release(): Promise<void> {
    const maildrop = this.maildrop
    this.maildrop = undefined
    try {
      await maildrop?.release()
    } catch (err) {
      this.#tools.log.error({ err, session: this.#connection.id }, 'a maildrop lock could not be released')
    }
  }
}
