import { once } from 'node:events'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { open } from './tls-connection.ts'

/** An SMTP client that says one command after the other and reads reply codes. */
export class SmtpClient {
  #socket: Socket
  #text = ''
  #wake: ((line: string) => void) | undefined
  #fail: ((error: Error) => void) | undefined
  #fault: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  /** Connects, says EHLO, and takes up TLS by STARTTLS where it is asked for. */
  static async connect(port: number, { startTls = false } = {}): Promise<SmtpClient> {
    const client = new SmtpClient(await open({ port, tls: false }))
    await client.#reply('220')
    await client.say('EHLO client.example.com', '250')
    if (startTls) await client.#startTls()
    return client
  }

  /** SASL PLAIN (RFC 4616). */
  async login(user: string, password: string): Promise<void> {
    await this.say(`AUTH PLAIN ${Buffer.from(`\0${user}\0${password}`).toString('base64')}`, '235')
  }

  /**
   * One message to one recipient.
   * @returns milliseconds from the end of the message to the reply
   * @throws Error with the reply when it is not taken
   */
  async send(from: string, to: string, message: Buffer): Promise<number> {
    await this.say(`MAIL FROM:<${from}>`, '250')
    await this.say(`RCPT TO:<${to}>`, '250')
    await this.say('DATA', '354')
    this.#socket.cork()
    this.#socket.write(message)
    this.#socket.write('.\r\n')
    this.#socket.uncork()
    const began = performance.now()
    await this.#reply('250')
    return performance.now() - began
  }

  say(command: string, expected: string): Promise<void> {
    this.#socket.write(`${command}\r\n`)
    return this.#reply(expected)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  async #startTls(): Promise<void> {
    await this.say('STARTTLS', '220')
    this.#socket.removeAllListeners()
    this.#socket = connectTls({ socket: this.#socket, rejectUnauthorized: false })
    await once(this.#socket, 'secureConnect')
    this.#listen()
    await this.say('EHLO client.example.com', '250')
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    this.#socket.on('error', (error) => this.#end(error))
    this.#socket.on('close', () => this.#end(new Error('the server closed the connection')))
  }

  async #reply(expected: string): Promise<void> {
    if (this.#fault !== undefined) throw this.#fault
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#wake = resolve
    this.#fail = reject
    const reply = await promise
    if (!reply.startsWith(expected)) throw new Error(reply)
  }

  #hear(chunk: Buffer): void {
    this.#text += chunk.toString('latin1')
    const last = /(?:^|\n)(\d{3}(?: [^\n]*)?)\r\n$/.exec(this.#text)?.[1]
    if (last === undefined) return
    this.#text = ''
    this.#wake?.(last)
  }

  #end(error: Error): void {
    this.#fault ??= error
    this.#fail?.(error)
  }
}
