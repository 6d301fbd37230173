import type { Socket } from 'node:net'
import { open, type Way } from './tls-connection.ts'

/** Enough for the last line of any response. */
const TAIL_BYTES = 1024

export interface Response {
  readonly octets: number
  /** All of it, when it was asked for. */
  readonly content?: Buffer
}

interface Waiting {
  readonly tag: string
  readonly keep: boolean
  readonly chunks: Buffer[]
  octets: number
  resolve(response: Response): void
  reject(error: Error): void
}

/**
 * An IMAP client that does as little as it can: it sends text, and looks at the last line of what has come for the tag that
 * it waits for. What servers send is not parsed.
 */
export class ImapClient {
  readonly #socket: Socket
  #tail: Buffer = Buffer.alloc(0)
  #waiting: Waiting | undefined
  #count = 0
  #fault: Error | undefined
  /** Hears everything that comes while no command waits (IDLE). */
  onData: (chunk: Buffer) => void = () => {}

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#hear(chunk))
    socket.on('error', (error) => this.#fail(error))
    socket.on('close', () => this.#fail(new Error('the server closed the connection')))
  }

  static async connect(way: Way): Promise<ImapClient> {
    const client = new ImapClient(await open(way))
    await client.#until('*', false)
    return client
  }

  static async login(way: Way, user: string, password: string): Promise<ImapClient> {
    const client = await ImapClient.connect(way)
    try {
      await client.command(`LOGIN ${user} ${password}`)
    } catch (error) {
      client.close()
      throw error
    }
    return client
  }

  /** Sends a command and waits for its completion. @throws Error with the completion when it is not OK */
  command(text: string | Buffer, { keep = false } = {}): Promise<Response> {
    const tag = this.nextTag()
    this.#socket.cork()
    this.#socket.write(`${tag} `)
    this.#socket.write(text)
    this.#socket.write('\r\n')
    this.#socket.uncork()
    return this.#until(tag, keep)
  }

  /** Sends many commands at once and waits for all. @throws Error when one of them is not completed with OK */
  async pipeline(texts: readonly string[]): Promise<void> {
    const tags = texts.map(() => this.nextTag())
    this.#socket.write(texts.map((text, at) => `${tags[at]} ${text}\r\n`).join(''))
    const { content = Buffer.alloc(0) } = await this.#until(tags.at(-1) ?? '', true)
    const done = [...`\r\n${content.toString('latin1')}`.matchAll(/\r\nb\d+ OK/g)].length
    if (done !== texts.length) throw new Error(`${done} of ${texts.length} pipelined commands were completed with OK`)
  }

  /** Starts IDLE; resolves with the continuation request. */
  async idle(): Promise<void> {
    this.#socket.write(`${this.nextTag()} IDLE\r\n`)
    await this.#until('+', false)
  }

  close(): void {
    this.#socket.removeAllListeners('close')
    this.#socket.destroy()
  }

  /** Tags of a client never repeat, and look like nothing that a message has at the start of a line. */
  nextTag(): string {
    this.#count++
    return `b${String(this.#count).padStart(7, '0')}`
  }

  #until(tag: string, keep: boolean): Promise<Response> {
    if (this.#fault !== undefined) return Promise.reject(this.#fault)
    const { promise, resolve, reject } = Promise.withResolvers<Response>()
    this.#waiting = { tag, keep, chunks: [], octets: 0, resolve, reject }
    this.#tail = Buffer.alloc(0)
    return promise
  }

  #hear(chunk: Buffer): void {
    const waiting = this.#waiting
    if (waiting === undefined) {
      this.onData(chunk)
      return
    }
    waiting.octets += chunk.length
    if (waiting.keep) waiting.chunks.push(chunk)
    this.#tail =
      chunk.length >= TAIL_BYTES
        ? chunk.subarray(-TAIL_BYTES)
        : Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES)
    const line = lastLine(this.#tail)
    if (line === undefined || !line.startsWith(`${waiting.tag} `)) return
    this.#waiting = undefined
    if (waiting.tag.startsWith('b') && !line.startsWith(`${waiting.tag} OK`)) waiting.reject(new Error(line))
    else waiting.resolve({ octets: waiting.octets, ...(waiting.keep && { content: Buffer.concat(waiting.chunks) }) })
  }

  #fail(error: Error): void {
    this.#fault ??= error
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }
}

/** The last whole line, when nothing stands behind it. */
function lastLine(tail: Buffer): string | undefined {
  if (tail.length < 2 || tail[tail.length - 1] !== 10 || tail[tail.length - 2] !== 13) return undefined
  const before = tail.lastIndexOf('\r\n', tail.length - 3, 'latin1')
  return tail.toString('latin1', before === -1 ? 0 : before + 2, tail.length - 2)
}
