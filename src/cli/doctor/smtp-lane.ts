import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface } from 'node:readline'

const REPLY_MS = 60_000

/** One connection that sends message after message, and tells which were taken. */
export class SmtpLane {
  readonly #socket: Socket
  readonly #lines: AsyncIterator<string>

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  }

  /** @throws Error when nobody answers */
  static async open(host: string, port: number): Promise<SmtpLane> {
    const socket = connect({ host, port, noDelay: true })
    socket.setTimeout(REPLY_MS, () => socket.destroy(new Error('the server does not answer')))
    await once(socket, 'connect')
    // Whoever waits for a reply hears of it.
    socket.on('error', () => socket.destroy())
    const lane = new SmtpLane(socket)
    await lane.#reply()
    await lane.#say('EHLO crash-test.invalid')
    return lane
  }

  /** @returns the reply to the message (RFC 5321 section 4.2). @throws Error when the connection ends before it */
  async send(to: string, message: Buffer): Promise<string> {
    for (const command of [`MAIL FROM:<sender@crash-test.invalid>`, `RCPT TO:<${to}>`, 'DATA']) {
      const reply = await this.#say(command)
      if (/^[45]/.test(reply)) {
        await this.#say('RSET')
        return reply
      }
    }
    this.#socket.write(message)
    return this.#say('.')
  }

  close(): void {
    this.#socket.destroy()
  }

  #say(command: string): Promise<string> {
    this.#socket.write(`${command}\r\n`)
    return this.#reply()
  }

  async #reply(): Promise<string> {
    for (;;) {
      const { value, done } = await this.#lines.next()
      if (done === true) throw new Error('the connection has ended')
      if (value[3] !== '-') return value
    }
  }
}
