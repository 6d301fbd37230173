import type { Socket } from 'node:net'
import { open, type Way } from './tls-connection.ts'

const END = Buffer.from('\r\n.\r\n')
const TAIL_BYTES = 512

interface Waiting {
  readonly isMultiline: boolean
  octets: number
  head: string
  resolve(octets: number): void
  reject(error: Error): void
}

/** A POP3 client that looks at the first line of a response and at its end, and at nothing between. */
export class Pop3Client {
  readonly #socket: Socket
  #tail: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined
  #fault: Error | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  static async login(way: Way, user: string, password: string): Promise<Pop3Client> {
    const client = new Pop3Client(await open(way))
    await client.#response(false)
    await client.command(`USER ${user}`)
    await client.command(`PASS ${password}`)
    return client
  }

  /** Sends a command with an answer of one line. @throws Error with the line when it is not +OK */
  command(text: string): Promise<number> {
    this.#socket.write(`${text}\r\n`)
    return this.#response(false)
  }

  /** Sends a command whose answer goes on to a line with a dot. Returns the octets of the answer. */
  lines(text: string): Promise<number> {
    this.#socket.write(`${text}\r\n`)
    return this.#response(true)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  #response(isMultiline: boolean): Promise<number> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    this.#waiting = { isMultiline, octets: 0, head: '', resolve, reject }
    this.#tail = Buffer.alloc(0)
    return promise
  }

  #hear(chunk: Buffer): void {
    const waiting = this.#waiting
    if (waiting === undefined) return
    if (waiting.octets < TAIL_BYTES) waiting.head += chunk.toString('latin1', 0, TAIL_BYTES)
    waiting.octets += chunk.length
    this.#tail = Buffer.concat([this.#tail, chunk.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES)
    const isRefusal = waiting.head.startsWith('-') && waiting.head.endsWith('\r\n')
    if (
      !isRefusal &&
      !this.#tail.subarray(waiting.isMultiline ? -END.length : -2).equals(waiting.isMultiline ? END : CRLF)
    )
      return
    this.#waiting = undefined
    if (waiting.head.startsWith('+OK')) waiting.resolve(waiting.octets)
    else waiting.reject(new Error(waiting.head.trim()))
  }

  #fail(error: Error): void {
    this.#fault ??= error
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

const CRLF = Buffer.from('\r\n')
