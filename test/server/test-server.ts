import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { socketTransport } from '../../src/control/transport.ts'
import { runServer } from '../../src/server/run-server.ts'
import type { RunningServer } from '../../src/server/running-server.ts'
import { freePort, scratch } from '../support/peer.ts'

const fixture = (name: string) => pathToFileURL(join(import.meta.dirname, 'fixtures', name)).href

export interface World extends AsyncDisposable {
  readonly dir: string
  readonly dataDir: string
  readonly configFile: string
  readonly port: number
  /** Writes the config anew. */
  configure(options?: { echo?: object; config?: string }): void
  start(): Promise<RunningServer>
  /** What the echo plugin noted. */
  life(): readonly string[]
  log(): string
}

/** A directory with a config of the echo plugin, and the servers that a test starts in it. */
export async function world(dataDir = 'data'): Promise<World> {
  const { path: dir, [Symbol.dispose]: remove } = scratch('server')
  const port = await freePort()
  const servers: RunningServer[] = []
  const configFile = join(dir, 'mailserver.config.mjs')
  const logFile = join(dir, 'server.log')
  const configure: World['configure'] = ({ echo = {}, config = '' } = {}) => {
    const options = JSON.stringify({ listen: `127.0.0.1:${port}`, ...echo })
    writeFileSync(
      configFile,
      `import { echo } from '${fixture('echo-plugin.ts')}'
      export default {
        hostname: 'mail.example.test', domains: ['example.test'], dataDir: '${dataDir}',
        limits: { drain: 400 }, plugins: [echo(${options})], ${config}
      }`,
    )
  }
  configure()
  const data = join(dir, dataDir)
  return {
    dir,
    dataDir: data,
    configFile,
    port,
    configure,
    async start() {
      const log = { kind: 'file', path: logFile } as const
      const server = await runServer({ configFile, log, core: fixture('net-core.ts') })
      servers.push(server)
      return server
    },
    life: () => lines(join(data, 'life.log')),
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.stop({ drain: false })))
      remove()
    },
  }
}

function lines(path: string): readonly string[] {
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8').trim().split('\n')
}

export class EchoClient implements Disposable {
  readonly socket: Socket
  #received = ''

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (chunk) => {
      this.#received += chunk.toString()
    })
    socket.on('error', () => {
      // A test that cuts the server off looks at `isClosed`.
    })
  }

  static async open(port: number): Promise<EchoClient> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new EchoClient(socket)
  }

  get isClosed(): boolean {
    return this.socket.closed || this.socket.readableEnded
  }

  get received(): string {
    return this.#received
  }

  /** Sends a line and waits for the next answer. */
  async say(line: string): Promise<string> {
    const before = this.#received.length
    this.socket.write(`${line}\n`)
    await once(this.socket, 'data', { signal: AbortSignal.timeout(5_000) })
    return this.#received.slice(before).trim()
  }

  [Symbol.dispose](): void {
    this.socket.destroy()
  }
}

/** Calls the control API as the CLI does. */
export async function control(server: RunningServer, method: string, url: string, body?: object) {
  const transport = socketTransport(server.socketPath)
  const answer = await transport({
    method,
    url,
    timeoutMs: 10_000,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, text: answer.body }
}
