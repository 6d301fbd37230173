import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { PASSWORD, type Pop3Host } from './pop3-host.ts'

const PATIENCE_MS = 5_000

/** A client that says exactly what it is told to, and hears octets as latin1. */
export class Pop3Client {
  #socket: Socket | TLSSocket
  #text = ''
  #wake = () => {}

  private constructor(socket: Socket | TLSSocket) {
    this.#socket = socket
    this.#listen(socket)
  }

  /** Connects and reads the greeting. */
  static async connect(host: Pop3Host, options: { tls?: boolean } = {}): Promise<Pop3Client> {
    const client = await Pop3Client.dial(host, options)
    await client.line()
    return client
  }

  static async dial(host: Pop3Host, { tls = true }: { tls?: boolean } = {}): Promise<Pop3Client> {
    const socket = tls
      ? connectTls({ port: host.tlsPort, host: '127.0.0.1', rejectUnauthorized: false })
      : connectTcp(host.port, '127.0.0.1')
    await once(socket, tls ? 'secureConnect' : 'connect')
    return new Pop3Client(socket)
  }

  /** A session in the TRANSACTION state. */
  static async login(host: Pop3Host): Promise<Pop3Client> {
    const client = await Pop3Client.connect(host)
    await client.command('USER alice@example.test')
    const reply = await client.command(`PASS ${PASSWORD}`)
    if (!reply.startsWith('+OK')) throw new Error(reply)
    return client
  }

  get socket(): Socket | TLSSocket {
    return this.#socket
  }

  write(text: string | Buffer): void {
    this.#socket.write(text)
  }

  /** Sends a line and reads the first line of its answer. */
  async command(line: string): Promise<string> {
    this.write(`${line}\r\n`)
    return this.line()
  }

  /** Sends a line and reads a multi-line answer: its first line, then its lines as they came, dots unstuffed. */
  async lines(line: string): Promise<{ status: string; body: string }> {
    const status = await this.command(line)
    return { status, body: status.startsWith('+OK') ? await this.body() : '' }
  }

  async line(): Promise<string> {
    const end = await this.#find('\r\n')
    const line = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 2)
    return line
  }

  async body(): Promise<string> {
    if (this.#text.length < 3) await this.#find('\r\n')
    const isEmpty = this.#text.startsWith('.\r\n')
    const end = isEmpty ? 0 : (await this.#find('\r\n.\r\n')) + 2
    const body = this.#text.slice(0, end)
    this.#text = this.#text.slice(end + 3)
    return body.replace(/^\./, '').replace(/\r\n\./g, '\r\n')
  }

  /** Everything until the server closes. */
  async rest(): Promise<string> {
    while (!this.#socket.readableEnded && !this.#socket.destroyed) await this.#more()
    const rest = this.#text
    this.#text = ''
    return rest
  }

  async startTls(): Promise<void> {
    const raw = this.#socket
    raw.removeAllListeners('data')
    const secure = connectTls({ socket: raw, rejectUnauthorized: false })
    await once(secure, 'secureConnect')
    this.#socket = secure
    this.#text = ''
    this.#listen(secure)
  }

  close(): void {
    this.#socket.destroy()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #listen(socket: Socket | TLSSocket): void {
    socket.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString('latin1')
      this.#wake()
    })
    socket.on('end', () => this.#wake())
    socket.on('close', () => this.#wake())
    socket.on('error', () => this.#wake())
  }

  async #find(wanted: string): Promise<number> {
    let from = 0
    for (;;) {
      const at = this.#text.indexOf(wanted, from)
      if (at >= 0) return at
      from = Math.max(0, this.#text.length - wanted.length)
      if (this.#socket.readableEnded || this.#socket.destroyed) {
        throw new Error(`closed, having said ${JSON.stringify(this.#text)}`)
      }
      await this.#more()
    }
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`nothing more than ${JSON.stringify(this.#text)}`)), PATIENCE_MS)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
