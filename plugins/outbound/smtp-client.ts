import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { mailData } from './mail-data.ts'
import { type ClientOptions, type Endpoint, openSession, type Timeouts } from './open-session.ts'
import type { ParameterConnection, Parameters } from './parameter-connection.ts'
import { BrokenTransaction, type FaultPhase, faultOf, SmtpFault } from './smtp-fault.ts'

export interface Transaction {
  /** Empty for the null reverse-path. */
  readonly sender: string
  /** No two the same. */
  readonly recipients: readonly string[]
  readonly parameters: Parameters
  readonly size: number
  readonly eightBit: boolean
  readonly requireTls: boolean
  open(): Readable
  read(): Promise<Buffer>
}

/** Messages up to this size are sent from memory. */
const MAX_WHOLE_BYTES = 64 * 1024

/** What came of a transaction. */
export interface Sent {
  /** Reply to RCPT of each recipient that was refused. */
  readonly rejected: ReadonlyMap<string, string>
  /** The reply that decided about all others: to MAIL, DATA, or the end of the data. */
  readonly reply: string
}

/** One SMTP session with a server, ready for transactions. Every wait ends by a timeout or the signal. */
export class SmtpClient {
  readonly endpoint: Endpoint
  /** `TLSv1.3 TLS_AES_256_GCM_SHA384`; absent in clear. */
  readonly tls: string | undefined
  /** EHLO keywords with their parameters. */
  readonly extensions: ReadonlyMap<string, string>
  readonly #connection: ParameterConnection
  readonly #timeouts: Timeouts
  #hasEnded = false
  #fault: Error | undefined
  #isDirty = false
  readonly #onEnd = new Set<() => void>()

  private constructor(connection: ParameterConnection, endpoint: Endpoint, timeouts: Timeouts) {
    this.#connection = connection
    this.#timeouts = timeouts
    this.endpoint = endpoint
    this.extensions = keywords(connection.lastServerResponse || '')
    this.tls = describeTls(this.#socket)
    connection.on('error', (error: Error) => {
      this.#fault = error
    })
    connection.on('end', () => {
      this.#hasEnded = true
      for (const listener of [...this.#onEnd]) listener()
    })
  }

  /** Connects, greets, and secures and logs in as the endpoint asks for. @throws SmtpFault */
  static async connect(endpoint: Endpoint, options: ClientOptions, signal: AbortSignal): Promise<SmtpClient> {
    const connection = await openSession(endpoint, options, signal)
    const client = new SmtpClient(connection, endpoint, options.timeouts)
    if (endpoint.auth !== undefined) await client.#logIn(endpoint.auth, signal)
    return client
  }

  /** Can another transaction be tried on it? */
  get isOpen(): boolean {
    return !this.#hasEnded && !this.#connection.destroyed
  }

  /** Octets of the largest message it takes; undefined when it does not say (RFC 1870). */
  get maxSize(): number | undefined {
    const size = Number(this.extensions.get('SIZE') ?? 0)
    return size > 0 ? size : undefined
  }

  /** Another one once TLS has begun. */
  get #socket(): Socket | undefined {
    return this.#connection._socket || undefined
  }

  /** Clears what an earlier transaction left. @throws SmtpFault when the connection is gone */
  async reset(signal: AbortSignal): Promise<void> {
    if (!this.#isDirty) return
    await this.#until(signal, 'transaction', (done) => this.#connection.reset(done))
    this.#isDirty = false
  }

  /**
   * Sends one message.
   * @throws BrokenTransaction when the session broke, it is closed then; else what reading the message throws
   */
  async send(transaction: Transaction, signal: AbortSignal): Promise<Sent> {
    const { sender, recipients, parameters, size, eightBit, requireTls } = transaction
    let isSent = false
    let isLocal = false
    const onSent = () => {
      isSent = true
      this.#socket?.setTimeout(this.#timeouts.data)
    }
    const data = size > MAX_WHOLE_BYTES ? undefined : mailData(await transaction.read())
    const stream = data === undefined ? transaction.open() : undefined
    stream?.once('end', onSent)
    stream?.once('error', () => {
      isLocal = true
    })
    this.#connection.useMailData(data && onSent)
    const envelope: Envelope = {
      from: sender,
      to: [...recipients],
      size,
      use8BitMime: eightBit,
      requireTLSExtensionEnabled: requireTls,
    }
    this.#connection.useParameters(parameters)
    this.#connection.lastServerResponse = false
    this.#isDirty = true
    try {
      const info = await this.#until<{ response: string }>(signal, 'transaction', (done) =>
        this.#connection.send(envelope, data ?? (stream as Readable), done),
      )
      this.#isDirty = false
      return { rejected: rejections(envelope), reply: info.response }
    } catch (cause) {
      stream?.destroy()
      const { reply, command } = cause as SmtpFault
      // When MAIL is refused, pipelined RCPTs are refused for that alone (RFC 2920): the reply to MAIL counts.
      const rejected = command === 'MAIL FROM' ? NOBODY : rejections(envelope)
      const isReply = !isLocal && reply !== undefined && /^[45]\d\d/.test(reply)
      if (!this.isOpen || !isReply) this.close()
      if (isReply) return { rejected, reply }
      throw new BrokenTransaction((cause as Error).message, {
        rejected,
        isUncertain: isSent && !isLocal,
        isUnanswered: !this.#connection.lastServerResponse,
        isLocal,
        cause,
      })
    } finally {
      this.#socket?.setTimeout(this.#timeouts.command)
    }
  }

  /** Says QUIT and lets go; does not wait for the answer. */
  quit(): void {
    if (this.isOpen) this.#connection.quit()
    // A server that does not answer QUIT holds nothing up: the socket goes with its own timeout.
    this.#socket?.setTimeout(QUIT_TIMEOUT_MS)
    this.#socket?.unref()
  }

  close(): void {
    this.#connection.close()
  }

  /** Calls back once when the session has ended, whoever ended it. Returns the function that takes it back. */
  onEnd(listener: () => void): () => void {
    this.#onEnd.add(listener)
    return () => void this.#onEnd.delete(listener)
  }

  async #logIn(auth: { user: string; pass: string }, signal: AbortSignal): Promise<void> {
    if (!this.extensions.has('AUTH')) {
      this.close()
      throw new SmtpFault('auth', `${this.endpoint.name} does not offer AUTH${this.tls ? '' : ' without TLS'}`)
    }
    try {
      await this.#until(signal, 'auth', (done) => this.#connection.login({ ...auth }, done))
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** nodemailer drops the callback of a command when the session ends under it: that is heard here. */
  #until<T>(
    signal: AbortSignal,
    phase: FaultPhase,
    start: (done: (error?: Error | null, result?: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown) => finish(() => reject(faultOf(phase, cause)))
      const onAbort = () => {
        this.close()
        fail(signal.reason)
      }
      const stopListening = this.onEnd(() =>
        // The command's own callback may follow in the same turn, with the server's words.
        setImmediate(() => fail(this.#fault ?? new Error('The connection was closed'))),
      )
      const finish = (then: () => void) => {
        stopListening()
        signal.removeEventListener('abort', onAbort)
        then()
      }
      if (signal.aborted) return onAbort()
      signal.addEventListener('abort', onAbort, { once: true })
      start((error, result) => (error ? fail(error) : finish(() => resolve(result as T))))
    })
  }
}

const QUIT_TIMEOUT_MS = 5_000

interface Envelope {
  from: string
  to: string[]
  size: number
  use8BitMime: boolean
  requireTLSExtensionEnabled: boolean
  /** Filled by the client. */
  rejectedErrors?: readonly { readonly recipient?: string; readonly response?: string }[]
}

function rejections({ rejectedErrors = [] }: Envelope): Map<string, string> {
  const rejected = new Map<string, string>()
  for (const { recipient, response } of rejectedErrors) {
    if (recipient !== undefined && response !== undefined) rejected.set(recipient, response)
  }
  return rejected
}

const NOBODY: ReadonlyMap<string, string> = new Map()

/** RFC 5321 section 4.1.1.1: each line after the first is a keyword and its parameters. */
function keywords(reply: string): Map<string, string> {
  const found = new Map<string, string>()
  for (const line of reply.split(/\r?\n/).slice(1)) {
    const [, word, rest] = /^\d{3}[ -]([A-Za-z0-9-]+)[ =]?(.*)$/.exec(line) ?? []
    if (word !== undefined) found.set(word.toUpperCase(), (rest ?? '').trim())
  }
  return found
}

function describeTls(socket: Socket | undefined): string | undefined {
  if (!(socket instanceof TLSSocket)) return undefined
  return `${socket.getProtocol()} ${socket.getCipher().name}`
}
