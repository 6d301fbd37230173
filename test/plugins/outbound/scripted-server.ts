import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { certificateFor } from '../../net/certificate.ts'

export type Step = 'greeting' | 'ehlo' | 'starttls' | 'mail' | 'rcpt' | 'data' | 'body' | 'end' | 'rset' | 'auth'

/** How the server behaves. What is left out, it does well. */
export interface Script {
  /** Reply at a step, without CRLF; for `rcpt` it may depend on the address. An empty text: no reply, ever. */
  readonly replies?: Partial<Record<Exclude<Step, 'rcpt' | 'body'>, string>>
  readonly rcpt?: (address: string, count: number) => string | undefined
  /** EHLO keywords; all that are usual when left out. */
  readonly extensions?: readonly string[]
  /** Closes the connection instead of answering; `body`: in the middle of the data. */
  readonly dropAt?: Step
  /** Says nothing more from here on, and keeps the connection. */
  readonly stallAt?: Step
  /** `broken`: agrees, then speaks no TLS. */
  readonly tls?: 'works' | 'broken'
  readonly implicitTls?: boolean
  /** Closes the connection after so many messages, in silence. */
  readonly closeAfter?: number
  readonly certificateNames?: readonly [string, ...string[]]
}

export interface Taken {
  readonly mail: string
  readonly rcpt: readonly string[]
  /** The message, dots unstuffed. */
  readonly data: Buffer
  readonly isTls: boolean
  readonly connection: number
}

export interface ScriptedServer extends AsyncDisposable {
  readonly port: number
  readonly taken: readonly Taken[]
  /** All that clients said, command by command, without the data. */
  readonly commands: readonly string[]
  readonly connections: number
  readonly open: number
  readonly certificate: string
  behave(script: Script): void
  close(): Promise<void>
}

const EXTENSIONS = ['PIPELINING', 'SIZE 50000000', '8BITMIME', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES']

/** An SMTP server that misbehaves as it is told. */
export async function startScriptedServer(first: Script = {}, host = '127.0.0.1', port = 0): Promise<ScriptedServer> {
  let script = first
  const taken: Taken[] = []
  const commands: string[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const pair = certificateFor(...(first.certificateNames ?? (['mx.test'] as const)))
  const context = createSecureContext(pair)
  const server: Server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    const start = script.implicitTls ? new TLSSocket(socket, { isServer: true, secureContext: context }) : socket
    start.on('error', () => {})
    new Session(start, connections, () => script, context, commands, taken).greet()
  })
  server.listen(port, host)
  await once(server, 'listening')
  const close = async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close').catch(() => {})
  }
  return {
    port: (server.address() as { port: number }).port,
    taken,
    commands,
    get connections() {
      return connections
    },
    get open() {
      return sockets.size
    },
    certificate: pair.cert,
    behave: (next) => {
      script = next
    },
    close,
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await close()
    },
  }
}

class Session {
  #socket: Socket
  readonly #number: number
  readonly #script: () => Script
  readonly #context: ReturnType<typeof createSecureContext>
  readonly #commands: string[]
  readonly #taken: Taken[]
  #buffer = Buffer.alloc(0)
  #mail = ''
  #rcpt: string[] = []
  #asked = 0
  #messages = 0
  #isData = false
  #isStalled = false
  #isTls = false

  constructor(
    socket: Socket,
    number: number,
    script: () => Script,
    context: ReturnType<typeof createSecureContext>,
    commands: string[],
    taken: Taken[],
  ) {
    this.#socket = socket
    this.#number = number
    this.#script = script
    this.#context = context
    this.#commands = commands
    this.#taken = taken
    this.#isTls = socket instanceof TLSSocket
    this.#listen()
  }

  greet(): void {
    this.#answer('greeting', '220 mx.test ESMTP')
  }

  #listen(): void {
    this.#socket.on('data', (chunk: Buffer) => {
      if (this.#isStalled) return
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#read()
    })
  }

  #read(): void {
    while (!this.#isStalled) {
      if (this.#isData) {
        if (this.#script().dropAt === 'body') {
          this.#socket.destroy()
          return
        }
        if (this.#script().stallAt === 'body') {
          this.#isStalled = true
          return
        }
        const isEmpty = this.#buffer.subarray(0, 3).toString() === '.\r\n'
        const at = isEmpty ? 0 : this.#buffer.indexOf('\r\n.\r\n')
        if (at < 0) return
        const body = isEmpty ? Buffer.alloc(0) : this.#buffer.subarray(0, at + 2)
        this.#buffer = this.#buffer.subarray(isEmpty ? 3 : at + 5)
        this.#isData = false
        this.#finish(unstuffed(body))
        continue
      }
      const at = this.#buffer.indexOf('\r\n')
      if (at < 0) return
      const line = this.#buffer.subarray(0, at).toString()
      this.#buffer = this.#buffer.subarray(at + 2)
      this.#commands.push(line)
      this.#command(line)
    }
  }

  #command(line: string): void {
    const verb = line.slice(0, 4).toUpperCase()
    if (verb === 'EHLO') {
      const { extensions = EXTENSIONS, tls } = this.#script()
      const offered = [...extensions, ...(tls !== undefined && !this.#isTls ? ['STARTTLS'] : [])]
      this.#answer(
        'ehlo',
        ['mx.test', ...offered].map((word, at) => `250${at === offered.length ? ' ' : '-'}${word}`).join('\r\n'),
      )
    } else if (verb === 'HELO') this.#say('250 mx.test')
    else if (verb === 'STAR') this.#startTls()
    else if (verb === 'AUTH') this.#answer('auth', '235 2.7.0 welcome')
    else if (verb === 'MAIL') {
      this.#mail = line
      this.#rcpt = []
      this.#asked = 0
      this.#answer('mail', '250 2.1.0 ok')
    } else if (verb === 'RCPT') this.#recipient(line)
    else if (verb === 'DATA') {
      const reply = this.#rcpt.length === 0 ? '503 5.5.1 no recipients' : (this.#script().replies?.data ?? '354 go on')
      if (this.#answer('data', reply)) this.#isData = reply.startsWith('354')
    } else if (verb === 'RSET') this.#answer('rset', '250 2.0.0 forgotten')
    else if (verb === 'QUIT') {
      this.#say('221 2.0.0 bye')
      this.#socket.end()
    } else this.#say('502 5.5.2 what?')
  }

  #recipient(line: string): void {
    const address = /<(.*)>/.exec(line)?.[1] ?? ''
    this.#asked += 1
    const isRefused = this.#script().replies?.mail?.startsWith('2') === false
    const usual = isRefused ? '503 5.5.1 MAIL first' : '250 2.1.5 ok'
    const reply = (isRefused ? undefined : this.#script().rcpt?.(address, this.#asked)) ?? usual
    if (reply.startsWith('2')) this.#rcpt.push(line)
    if (this.#answer('rcpt', reply) && reply.startsWith('421')) this.#socket.end()
  }

  #finish(data: Buffer): void {
    const reply = this.#script().replies?.end ?? '250 2.0.0 queued'
    if (reply.startsWith('2')) {
      this.#taken.push({ mail: this.#mail, rcpt: this.#rcpt, data, isTls: this.#isTls, connection: this.#number })
    }
    this.#messages += 1
    this.#rcpt = []
    this.#answer('end', reply)
    if (this.#messages === this.#script().closeAfter) this.#socket.end()
  }

  #startTls(): void {
    if (!this.#answer('starttls', '220 2.0.0 go ahead')) return
    if (this.#script().replies?.starttls?.startsWith('2') === false) return
    if (this.#script().tls === 'broken') {
      this.#socket.write('this is no TLS at all\r\n')
      this.#isStalled = true
      return
    }
    this.#socket.removeAllListeners('data')
    this.#socket = new TLSSocket(this.#socket, { isServer: true, secureContext: this.#context })
    this.#socket.on('error', () => {})
    this.#isTls = true
    this.#listen()
  }

  /** Answers as the script says; false when it did not answer. */
  #answer(step: Exclude<Step, 'body'>, usual: string): boolean {
    const { dropAt, stallAt, replies } = this.#script()
    if (dropAt === step) {
      this.#socket.destroy()
      return false
    }
    const reply = step === 'rcpt' ? usual : (replies?.[step] ?? usual)
    if (stallAt === step || reply === '') {
      this.#isStalled = true
      return false
    }
    this.#say(reply)
    if (reply.startsWith('421')) this.#socket.end()
    return true
  }

  #say(reply: string): void {
    if (this.#socket.writable) this.#socket.write(`${reply}\r\n`)
  }
}

function unstuffed(body: Buffer): Buffer {
  const text = body.toString('latin1').replace(/(^|\r\n)\.\./g, '$1.')
  return Buffer.from(text, 'latin1')
}
