import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { socketPathOf } from '../../src/control/socket-path.ts'
import { socketTransport } from '../../src/control/transport.ts'
import { hashPassword } from '../../src/directory/password.ts'
import { freePorts, run } from '../support/peer.ts'
import { configDirectory } from '../support/server-process.ts'
import { projectRoot } from './support/cache.ts'
import { Daemon } from './support/daemon.ts'
import { type Histogram, histogramIn } from './support/histogram.ts'
import { until } from './support/until.ts'
import { addressOf, DOMAIN, ELSEWHERE, type Need, PASSWORD, type System } from './system.ts'

/** The control socket comes a moment after the ports. */
const START_MS = 10_000
/** The search index of the largest data set, on a machine that has other things to do. */
const INDEX_MS = 600_000
const PROGRAM = join(projectRoot, 'bin/run.js')
const PORTS = ['smtp', 'submission', 'imaps', 'pop3s'] as const
type OurPorts = Readonly<Record<(typeof PORTS)[number], number>>

/** Starts more threads and open files than a shell usually gives. */
const SHELL = ['/bin/sh', '-c', 'ulimit -n $(ulimit -Hn); exec "$@"', 'sh']

/** Ours, as an operator runs it: the build, a config in a directory of its own, the log at its usual level into a file. */
export class OurServer implements System {
  readonly name: string
  readonly title: string
  readonly durability = "level({ durability: 'group' }), the default: 250 and OK after the sync of message and index"
  readonly storesWithReply = true
  readonly ports: OurPorts
  readonly directory: string
  readonly dataDir: string
  readonly #need: Need
  #daemon: Daemon | undefined

  private constructor(name: string, directory: string, ports: OurPorts, need: Need) {
    this.name = name
    this.directory = directory
    this.ports = ports
    this.#need = need
    this.dataDir = need.dataDir ?? join(directory, 'data')
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }
    this.title = `mailserver ${version}, Node ${process.version}, workers: ${need.workers ?? 1}`
  }

  static async start(need: Need, name = 'ours'): Promise<OurServer> {
    const directory = configDirectory('bench')
    const server = new OurServer(name, directory, await freePorts(...PORTS), need)
    mkdirSync(server.dataDir, { recursive: true })
    writeFileSync(server.#configFile, configText(server, need, await hashPassword(PASSWORD)))
    try {
      await server.#start()
    } catch (error) {
      rmSync(directory, { recursive: true, force: true })
      throw error
    }
    return server
  }

  /** How long the last start took until every port accepted connections, milliseconds. */
  get startMs(): number {
    return this.#daemon?.startMs ?? 0
  }

  pids(): readonly number[] {
    return this.#daemon === undefined ? [] : [this.#daemon.pid]
  }

  async stored(accounts: readonly number[]): Promise<number> {
    let sum = 0
    for (const account of accounts) {
      const { mailboxes } = (await this.#ask(`/accounts/${encodeURIComponent(addressOf(account))}`)) as AccountAnswer
      sum += mailboxes.find(({ name }) => name === 'INBOX')?.messages ?? 0
    }
    return sum
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop()
    this.#daemon = undefined
  }

  async restart(): Promise<void> {
    await this.stop()
    await this.#start()
  }

  async flush(): Promise<void> {
    await this.#ask('/queue/retry', { all: true })
  }

  /** How long `mailserver --version` takes, milliseconds. */
  async versionMs(): Promise<number> {
    const began = performance.now()
    const { code, stderr } = await run(process.execPath, [PROGRAM, '--version'])
    if (code !== 0) throw new Error(stderr)
    return performance.now() - began
  }

  /** Waits until the search index knows all mail. */
  async untilIndexed(): Promise<void> {
    await until(async () => (await this.#index()).every((one) => one.indexed + one.skipped === one.messages), INDEX_MS)
  }

  /** Makes the search index anew. @returns its size, octets */
  async rebuildIndex(): Promise<number> {
    const args = ['search', 'rebuild', '--config', this.#configFile]
    const { code, stderr } = await run(process.execPath, [PROGRAM, ...args], { timeoutMs: INDEX_MS })
    if (code !== 0) throw new Error(stderr)
    return (await this.#index()).reduce((sum, { octets }) => sum + octets, 0)
  }

  /** Begins to make the search index of an account anew. Comes back when the old one is gone. */
  async beginRebuild(account: number): Promise<void> {
    const before = await this.indexed(account)
    await this.#ask('/search/rebuild', { account: addressOf(account) })
    await until(async () => (await this.indexed(account)) < before, START_MS)
  }

  /** Messages of an account that the search index knows. */
  async indexed(account: number): Promise<number> {
    return (await this.#index(`?account=${encodeURIComponent(addressOf(account))}`))[0]?.indexed ?? 0
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
    rmSync(this.directory, { recursive: true, force: true })
  }

  async #index(query = ''): Promise<IndexAnswer['accounts']> {
    return ((await this.#ask(`/search${query}`)) as IndexAnswer).accounts
  }

  get #configFile(): string {
    return join(this.directory, 'mailserver.config.ts')
  }

  async #start(): Promise<void> {
    const { profileDir } = this.#need
    const profiling = `--cpu-prof --cpu-prof-dir=${profileDir}`
    this.#daemon = await Daemon.start([...SHELL, process.execPath, PROGRAM, 'start', '--config', this.#configFile], {
      cwd: this.directory,
      logFile: join(this.directory, 'log'),
      ports: Object.values(this.ports),
      ...(profileDir !== undefined && { env: { NODE_OPTIONS: profiling } }),
    })
    await until(() => existsSync(socketPathOf(this.dataDir)), START_MS)
  }

  async commitTimes(): Promise<Histogram> {
    return histogramIn(await this.#request('/metrics'), 'mailserver_level_commit_seconds')
  }

  async #ask(url: string, post?: object): Promise<unknown> {
    return JSON.parse(await this.#request(url, post))
  }

  /** The control API, as the command line speaks it. With something to post it is a POST. */
  async #request(url: string, post?: object): Promise<string> {
    const transport = socketTransport(socketPathOf(this.dataDir))
    const request = post === undefined ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(post) }
    const { status, body } = await transport({ ...request, url, timeoutMs: 30_000 })
    if (status !== 200) throw new Error(`${url} answered ${status}: ${body}`)
    return body
  }
}

interface AccountAnswer {
  readonly mailboxes: readonly { readonly name: string; readonly messages: number }[]
}

interface IndexAnswer {
  readonly accounts: readonly {
    readonly messages: number
    readonly indexed: number
    readonly skipped: number
    readonly octets: number
  }[]
}

/**
 * Limits for each address are lifted: all load comes from one. A host that was away is tried again after a second, as the
 * Postfix of the tests does.
 */
function configText({ ports, dataDir }: OurServer, need: Need, hash: string): string {
  const at = (port: number, scheme = '') => `'${scheme}127.0.0.1:${port}'`
  const limits = '{ connections: 20_000, perAddress: 20_000 }'
  const outbound =
    need.relayPort === undefined
      ? ''
      : `{ smarthost: { host: '127.0.0.1', port: ${need.relayPort}, tls: 'none' }, deadHost: '1s' }`
  // While data are put in, what is made of them afterwards is not made yet.
  const isIndexed = need.isIndexed === true && need.isFilling !== true
  return `import { defineConfig } from 'mailserver'
${isIndexed ? "import { fts } from 'mailserver/plugins/fts'\n" : ''}import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { outbound } from 'mailserver/plugins/outbound'
import { pop3 } from 'mailserver/plugins/pop3'
import { smtp, submission } from 'mailserver/plugins/smtp'

const addresses = Array.from({ length: ${need.accounts} }, (_, at) => \`\${at + 1}u@${DOMAIN}\`)

export default defineConfig({
  hostname: 'mail.${DOMAIN}',
  domains: ['${DOMAIN}'],
  dataDir: ${JSON.stringify(dataDir)},
  dns: { servers: ['127.0.0.1:1'], timeout: 100 },
  workers: ${JSON.stringify(need.workers ?? 1)},
  plugins: [
    level(),${isIndexed ? '\n    fts(),' : ''}
    smtp({ listen: ${at(ports.smtp)}, limits: ${limits} }),
    submission({ listen: ${at(ports.submission)}, limits: ${limits} }),
    imap({ listen: ${at(ports.imaps, 'tls://')}, limits: ${limits} }),
    pop3({ listen: ${at(ports.pop3s, 'tls://')}, maxConnections: 1000, maxConnectionsPerAddress: 1000 }),
    outbound(${outbound}),
  ],
  accounts: addresses.map((address) => ({ address, password: '${hash}' })),
  aliases: { 'relay@${DOMAIN}': 'away@${ELSEWHERE}' },
})
`
}
