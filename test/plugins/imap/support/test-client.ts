import type { Socket } from 'node:net'

const TIMEOUT_MS = 5_000

/** A client that says what it is told to and reads lines. */
export class TestClient {
  socket: Socket
  #received = ''
  #hasEnded = false
  #wake: (() => void) | undefined
  #tags = 0

  constructor(socket: Socket) {
    this.socket = socket
    this.attach(socket)
  }

  attach(socket: Socket): void {
    this.socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#received += text
      this.#wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.#hasEnded = true
      this.#wake?.()
    })
  }

  /** Sends octets, one character each, as they are. */
  send(text: string): void {
    this.socket.write(text, 'latin1')
  }

  /** The next line without its CRLF. @throws Error at the end, or when none comes */
  async line(timeoutMs = TIMEOUT_MS): Promise<string> {
    const end = await this.#until(() => this.#received.indexOf('\r\n'), timeoutMs, 'a line')
    const line = this.#received.slice(0, end)
    this.#received = this.#received.slice(end + 2)
    return line
  }

  /** Exactly so many octets. */
  async octets(count: number): Promise<string> {
    await this.#until(() => (this.#received.length >= count ? 0 : -1), TIMEOUT_MS, `${count} octets`)
    const octets = this.#received.slice(0, count)
    this.#received = this.#received.slice(count)
    return octets
  }

  /** Sends a command and reads everything up to its tagged answer: that is the last line. */
  async command(text: string): Promise<string[]> {
    this.#tags += 1
    const tag = `t${this.#tags}`
    this.send(`${tag} ${text}\r\n`)
    return this.answer(tag)
  }

  async answer(tag: string): Promise<string[]> {
    const lines: string[] = []
    for (;;) {
      const line = await this.line()
      lines.push(line)
      if (line.startsWith(`${tag} `)) return lines
    }
  }

  /** Sends a command and returns its untagged lines. @throws Error when it is not answered OK */
  async ok(text: string): Promise<string[]> {
    const lines = await this.command(text)
    const last = lines.pop() as string
    if (!/^t\d+ OK\b/.test(last)) throw new Error(`${text} was answered ${last}`)
    return lines
  }

  /** Everything up to the end of the connection. */
  async rest(timeoutMs = TIMEOUT_MS): Promise<string> {
    await this.#until(() => (this.#hasEnded ? 0 : -1), timeoutMs, 'the end')
    const rest = this.#received
    this.#received = ''
    return rest
  }

  /** What has come and was not read. */
  get pending(): string {
    return this.#received
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  close(): void {
    this.socket.destroy()
  }

  async #until(find: () => number, timeoutMs: number, what: string): Promise<number> {
    const until = Date.now() + timeoutMs
    for (;;) {
      const found = find()
      if (found !== -1) return found
      const left = until - Date.now()
      if (this.#hasEnded) throw new Error(`${what} was expected, and the connection ended after ${this.#received}`)
      if (left <= 0) throw new Error(`${what} was expected within ${timeoutMs} ms; there is ${this.#received}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
}
