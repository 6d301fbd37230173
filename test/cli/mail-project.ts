import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { lockHolder } from '../../src/control/data-lock.ts'
import { eventually, type Ran, run, scratch } from '../support/peer.ts'

const root = join(import.meta.dirname, '..', '..')
const bin = join(root, 'bin', 'run.js')
const node = ['--conditions=source', bin]

/** A directory with a config that imports `mailserver` by name, as a user's has. */
export interface MailProject extends AsyncDisposable {
  readonly dir: string
  readonly dataDir: string
  /** Writes the config. @param change text of further properties */
  configure(change?: string): void
  /** Runs a command to its end, from the sources. */
  mailserver(...args: string[]): Promise<Ran>
  /** The same with `--json`, parsed. @throws Error when its exit code is another than expected */
  json<T = Record<string, never>>(args: readonly string[], exitCode?: number, input?: string): Promise<T>
  /** A server in the foreground; ended with the project. */
  foreground(): Promise<{ process: ChildProcess; output(): string; exit: Promise<number | null> }>
}

const CONFIG = `import { defineConfig } from 'mailserver'
import { imap } from 'mailserver/plugins/imap'
import { level } from 'mailserver/plugins/level'
import { outbound } from 'mailserver/plugins/outbound'
import { submission } from 'mailserver/plugins/smtp'

export default defineConfig({
  hostname: 'mail.example.test',
  domains: ['example.test'],
  limits: { drain: '1s' },
  dns: { servers: ['127.0.0.1:1'], timeout: '50ms' },
  plugins: [
    level(),
    submission({ listen: ['127.0.0.1:0', 'tls://127.0.0.1:0'] }),
    imap({ listen: ['tls://127.0.0.1:0'] }),
    outbound(),
  ],
  accounts: ['alice@example.test', 'bob@example.test'],
`

export function mailProject(): MailProject {
  const { path: dir, [Symbol.dispose]: remove } = scratch('cli')
  mkdirSync(join(dir, 'node_modules'))
  symlinkSync(root, join(dir, 'node_modules', 'mailserver'))
  writeFileSync(join(dir, 'package.json'), '{ "private": true, "type": "module" }')
  const dataDir = join(dir, 'data')
  const started: ChildProcess[] = []
  const configure = (change = '') => writeFileSync(join(dir, 'mailserver.config.ts'), `${CONFIG}${change}})\n`)
  configure()
  const mailserver = (...args: string[]) => run(process.execPath, [...node, ...args], { cwd: dir })
  return {
    dir,
    dataDir,
    configure,
    mailserver,
    async json(args, exitCode = 0, input = '') {
      const ran = await run(process.execPath, [...node, ...args, '--json'], { cwd: dir, input })
      if (ran.code !== exitCode) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stdout}${ran.stderr}`)
      return JSON.parse(ran.stdout)
    },
    async foreground() {
      const child = spawn(process.execPath, [...node, 'start'], { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'] })
      started.push(child)
      let output = ''
      const collect = (chunk: Buffer) => {
        output += chunk.toString()
      }
      child.stdout.on('data', collect)
      child.stderr.on('data', collect)
      const exit = once(child, 'exit').then(([code]) => code as number | null)
      await eventually(() => output.includes('is running (process') || child.exitCode !== null)
      return { process: child, output: () => output, exit }
    },
    async [Symbol.asyncDispose]() {
      for (const child of started) child.kill('SIGKILL')
      const holder = lockHolder(dataDir)
      if (holder !== undefined && !started.some(({ pid }) => pid === holder.pid)) process.kill(holder.pid, 'SIGKILL')
      await eventually(() => lockHolder(dataDir) === undefined)
      remove()
    },
  }
}

export const logOf = ({ dataDir }: MailProject): string => readFileSync(join(dataDir, 'logs', 'mailserver.log'), 'utf8')
