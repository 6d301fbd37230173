import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accepts, eventually, freePorts, type Ran, run } from './peer.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const START_MS = 20_000

/** A config of the sample's kind needs the package by its name, and node strips no types below `node_modules`: so, below the project's own `data`. */
export function configDirectory(name: string): string {
  const base = join(root, 'data')
  mkdirSync(base, { recursive: true })
  return mkdtempSync(join(base, `${name}-`))
}

export interface ServerProcessOptions {
  /** Lines of the config below `domains`, in place of the usual accounts. */
  readonly more?: string
  /** Address of the DNS server to ask; one that nobody answers at when left out. */
  readonly dns?: string
  /** Options of `outbound`, as they stand in a config. */
  readonly outbound?: string
  /** Options of `level`, as they stand in a config. */
  readonly level?: string
  /** Where the data is; below the config when left out. */
  readonly dataDir?: string
  /** User and group that the server runs as, where the test is root; its own when left out. */
  readonly user?: number
}

/** A whole server as an operator runs it: `mailserver start` in a process of its own, on free ports. */
export class ServerProcess implements AsyncDisposable {
  readonly directory: string
  readonly dataDir: string
  readonly ports: Readonly<Record<'smtp' | 'submission' | 'submissions' | 'imap' | 'imaps' | 'pop3' | 'pop3s', number>>
  readonly #user: number | undefined
  #child: ChildProcess | undefined
  #output = ''

  private constructor(directory: string, dataDir: string, ports: ServerProcess['ports'], user: number | undefined) {
    this.directory = directory
    this.dataDir = dataDir
    this.ports = ports
    this.#user = process.getuid?.() === 0 ? user : undefined
  }

  static async create(options: ServerProcessOptions = {}): Promise<ServerProcess> {
    const directory = configDirectory('server')
    const names = ['smtp', 'submission', 'submissions', 'imap', 'imaps', 'pop3', 'pop3s'] as const
    const ports = await freePorts(...names)
    const { dataDir = join(directory, 'data'), user } = options
    const server = new ServerProcess(directory, dataDir, ports, user)
    writeFileSync(join(directory, 'mailserver.config.ts'), server.#config(options))
    return server
  }

  /** Everything it printed so far, over all its starts. */
  get output(): string {
    return this.#output
  }

  get pid(): number {
    return this.#child?.pid as number
  }

  /** Password that was made for an account of the config. */
  password(address: string): string {
    const file = join(this.dataDir, 'generated-passwords.json')
    return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, string>)[address] as string
  }

  /** Resolves when every port listens. @throws Error with what it printed when it ends instead */
  async start(): Promise<void> {
    const user = this.#user
    if (user !== undefined) await run('chown', ['-R', `${user}:${user}`, this.directory])
    const child = spawn(process.execPath, this.#args('start'), {
      cwd: this.directory,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(user !== undefined && { uid: user, gid: user }),
    })
    this.#child = child
    const collect = (chunk: Buffer) => {
      this.#output += chunk.toString()
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    await eventually(async () => {
      if (child.exitCode !== null || child.signalCode !== null) {
        throw new Error(`the server ended with ${child.exitCode ?? child.signalCode}:\n${this.#output}`)
      }
      for (const port of Object.values(this.ports)) if (!(await accepts(port))) return false
      return true
    }, START_MS)
  }

  /** Runs a command of ours on this server's config. */
  command(...args: string[]): Promise<Ran> {
    return run(process.execPath, this.#args(...args), { cwd: this.directory })
  }

  /** Sends a signal and waits for the end. Returns the exit code, null when the signal ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null
    const ended = once(child, 'exit') as Promise<[number | null]>
    child.kill(signal)
    return (await ended)[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end('SIGKILL')
    rmSync(this.directory, { recursive: true, force: true })
  }

  #args(...args: string[]): string[] {
    return [
      '--conditions=source',
      join(root, 'bin/run.js'),
      ...args,
      '--config',
      join(this.directory, 'mailserver.config.ts'),
    ]
  }

  #config({ more, dns, outbound, level }: ServerProcessOptions): string {
    const { smtp, submission, submissions, imap, imaps, pop3, pop3s } = this.ports
    const at = (port: number, scheme = '') => `'${scheme}127.0.0.1:${port}'`
    return `import { defineConfig } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { outbound } from 'mailserver/plugins/outbound'
import { pop3 } from 'mailserver/plugins/pop3'
import { smtp, submission } from 'mailserver/plugins/smtp'

export default defineConfig({
  hostname: 'mail.example.test',
  domains: ['example.test'],
  dataDir: ${JSON.stringify(this.dataDir)},
  dns: { servers: ['${dns ?? '127.0.0.1:1'}'] },
  plugins: [
    level(${level ?? ''}),
    smtp({ listen: ${at(smtp)} }),
    submission({ listen: [${at(submission)}, ${at(submissions, 'tls://')}] }),
    imap({ listen: [${at(imap)}, ${at(imaps, 'tls://')}] }),
    pop3({ listen: [${at(pop3)}, ${at(pop3s, 'tls://')}] }),
    outbound(${outbound ?? ''}),
  ],
  ${more ?? "accounts: ['alice@example.test', 'bob@example.test'],"}
})
`
  }
}
