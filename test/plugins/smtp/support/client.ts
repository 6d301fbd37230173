import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'

/** A reply as it came, its lines joined by `\n`, without CRLF. */
export type ReplyText = string

const TIMEOUT_MS = 10_000

/** A client that says exactly what a test wants, byte for byte. */
export class Client implements AsyncDisposable {
  #socket: Socket | TLSSocket
  #buffer = ''
  #isClosed = false
  #wake: (() => void) | undefined

  private constructor(socket: Socket | TLSSocket) {
    this.#socket = socket
    this.#listen()
  }

  static async open(port: number, options: { tls?: boolean; greeting?: boolean } = {}): Promise<Client> {
    const socket = options.tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1')
    await once(socket, options.tls ? 'secureConnect' : 'connect')
    socket.setNoDelay(true)
    const client = new Client(socket)
    if (options.greeting !== false) await client.reply()
    return client
  }

  /** Writes octets as they are. */
  write(bytes: string | Buffer): void {
    this.#socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'utf8') : bytes)
  }

  /** One command and its reply. */
  async say(line: string): Promise<ReplyText> {
    this.write(`${line}\r\n`)
    return this.reply()
  }

  /** The next whole reply; `closed` when the server has closed instead. */
  async reply(): Promise<ReplyText> {
    const until = Date.now() + TIMEOUT_MS
    for (;;) {
      const match = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3}(?: [^\r\n]*)?\r\n/.exec(this.#buffer)
      if (match !== null) {
        this.#buffer = this.#buffer.slice(match[0].length)
        return match[0].replaceAll('\r\n', '\n').trimEnd()
      }
      if (this.#isClosed) return 'closed'
      await this.#change(until)
    }
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    const until = Date.now() + TIMEOUT_MS
    while (!this.#isClosed) await this.#change(until)
    return this.#buffer.replaceAll('\r\n', '\n').trimEnd()
  }

  /** A whole transaction up to the answer to its last dot. `message` is sent as it is, then CRLF.CRLF. */
  async send(from: string, to: readonly string[], message: string | Buffer): Promise<ReplyText> {
    for (const line of [`MAIL FROM:<${from}>`, ...to.map((one) => `RCPT TO:<${one}>`), 'DATA']) {
      const answer = await this.say(line)
      if (!/^[23]/.test(answer)) return answer
    }
    this.write(message)
    this.write('\r\n.\r\n')
    return this.reply()
  }

  /** Says that no more will come, and goes on reading. */
  endWrites(): void {
    this.#socket.end()
  }

  async startTls(): Promise<void> {
    const answer = await this.say('STARTTLS')
    if (!answer.startsWith('220')) throw new Error(`no TLS: ${answer}`)
    await this.upgrade()
  }

  /** TLS from here on. */
  async upgrade(): Promise<void> {
    this.#socket.removeAllListeners('data')
    const secure = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await once(secure, 'secureConnect')
    this.#socket = secure
    this.#listen()
  }

  /** Reads no more. */
  pause(): void {
    this.#socket.pause()
  }

  /** Resets the connection without a goodbye. */
  vanish(): void {
    this.#socket.resetAndDestroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('utf8')
      this.#wake?.()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#wake?.()
    })
  }

  #change(until: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no reply; so far: ${JSON.stringify(this.#buffer)}`)),
        until - Date.now(),
      )
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/** The credentials of a PLAIN login, as AUTH takes them. */
export const plain = (login: string, password: string, as = ''): string =>
  Buffer.from(`${as}\0${login}\0${password}`).toString('base64')
