import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** A bare SMTP client for tests: sends what it is told, also what no client should, and shows the raw replies. */
export class SmtpDialog implements AsyncDisposable {
  #socket: Socket
  #buffer = ''
  #received = ''
  #isClosed = false
  #wake = () => {}

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  static async connect(port: number, options: { tls?: boolean; host?: string } = {}): Promise<SmtpDialog> {
    const host = options.host ?? '127.0.0.1'
    const socket = options.tls ? connectTls({ port, host, rejectUnauthorized: false }) : connect(port, host)
    const dialog = new SmtpDialog(socket)
    await once(socket, options.tls ? 'secureConnect' : 'connect')
    return dialog
  }

  /** Everything the server sent so far. */
  get received(): string {
    return this.#received
  }

  /** Sends bytes as they are. */
  send(bytes: string | Buffer): void {
    this.#socket.write(bytes)
  }

  /** Sends bytes, and waits until the system has taken them. */
  sendAll(bytes: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(bytes, (error) => (error == null ? resolve() : reject(error)))
    })
  }

  /** Waits until what was received, in all, matches. @throws Error after `timeoutMs`, or when the server closed before */
  async until(pattern: RegExp, timeoutMs = 10_000): Promise<void> {
    const until = Date.now() + timeoutMs
    while (!pattern.test(this.#received)) {
      if (this.#isClosed || Date.now() > until) {
        throw new Error(`waited for ${pattern}; so far ${JSON.stringify(this.#received.slice(-2_000))}`)
      }
      await this.#more(until - Date.now())
    }
  }

  /** Sends a line and returns the whole reply. @throws Error when its code is another than `code` */
  async command(line: string, code?: number): Promise<string> {
    this.send(`${line}\r\n`)
    return this.expect(code)
  }

  /** The next reply, all its lines; '' when the server closed instead. @throws Error when its code is another, or after `timeoutMs` */
  async expect(code?: number, timeoutMs = 10_000): Promise<string> {
    const until = Date.now() + timeoutMs
    for (;;) {
      const match = /^(?:\d{3}-[^\n]*\r\n)*\d{3}(?: [^\n]*)?\r\n/.exec(this.#buffer)
      if (match !== null) {
        this.#buffer = this.#buffer.slice(match[0].length)
        const reply = match[0].replace(/\r\n$/, '')
        if (code !== undefined && !reply.split('\r\n').at(-1)?.startsWith(String(code))) {
          throw new Error(`expected ${code}, got ${reply}`)
        }
        return reply
      }
      if (this.#isClosed) {
        if (code === undefined) return ''
        throw new Error(`expected ${code}, and the server closed after ${JSON.stringify(this.#buffer)}`)
      }
      if (Date.now() > until) throw new Error(`no reply within ${timeoutMs} ms; so far ${JSON.stringify(this.#buffer)}`)
      await this.#more(until - Date.now())
    }
  }

  /** STARTTLS, and the handshake. */
  async startTls(): Promise<void> {
    await this.command('STARTTLS', 220)
    this.#socket.removeAllListeners('data')
    this.#socket = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await once(this.#socket, 'secureConnect')
    this.#listen()
  }

  /** Resolves when the server has closed. */
  async closed(timeoutMs = 10_000): Promise<void> {
    const until = Date.now() + timeoutMs
    while (!this.#isClosed) {
      if (Date.now() > until) throw new Error(`the server did not close within ${timeoutMs} ms`)
      await this.#more(until - Date.now())
    }
  }

  /** Vanishes without a word. */
  destroy(): void {
    this.#socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy()
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      this.#buffer += chunk.toString('latin1')
      this.#received += chunk.toString('latin1')
      this.#wake()
    })
    this.#socket.on('error', () => {
      // The server reset the connection; `close` follows and tells.
    })
    this.#socket.on('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  #more(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(1, timeoutMs))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
