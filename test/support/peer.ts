import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A program that a test started: ends with the test, by its own pid. */
export interface Peer extends AsyncDisposable {
  readonly process: ChildProcess
  /** Everything it printed so far. */
  output(): string
  /** SIGTERM, then SIGKILL after five seconds. */
  stop(): Promise<void>
}

export interface PeerOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** Resolves when the peer can be used; asked again until it does, or ten seconds have passed. */
  readonly ready?: () => Promise<boolean>
}

const READY_TIMEOUT_MS = 10_000
const KILL_AFTER_MS = 5_000

/** Starts a daemon in the foreground and waits until it is ready. @throws Error with its output when it is not in time */
export async function startPeer(command: string, args: readonly string[], options: PeerOptions = {}): Promise<Peer> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const collect = (chunk: Buffer) => {
    output += chunk.toString()
  }
  child.stdout.on('data', collect)
  child.stderr.on('data', collect)
  let hasEnded = false
  const ended = once(child, 'exit').then(() => {
    hasEnded = true
  })
  const stop = async () => {
    if (hasEnded) return
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
    await ended
    clearTimeout(timer)
  }
  const until = Date.now() + READY_TIMEOUT_MS
  while (options.ready !== undefined && !(await options.ready())) {
    if (hasEnded || Date.now() > until) {
      await stop()
      throw new Error(`${command} did not become ready:\n${output}`)
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { process: child, output: () => output, stop, [Symbol.asyncDispose]: stop }
}

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a program to its end. Never rejects for an exit code: the test looks at it. */
export async function run(
  command: string,
  args: readonly string[],
  options: { input?: string | Buffer; cwd?: string; env?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): Promise<Ran> {
  const child = spawn(command, [...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  child.stdin.on('error', () => {
    // The program did not read its input to the end; its exit code tells.
  })
  child.stdin.end(options.input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function freePort(): Promise<number> {
  const { port } = await freePorts('port')
  return port
}

/** One for each name, no two of them the same. */
export async function freePorts<K extends string>(...names: readonly K[]): Promise<Record<K, number>> {
  // All are held until the last is found: a port that was given back may be given out again.
  const servers = names.map(() => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) server.close()
  await Promise.all(servers.map((server) => once(server, 'close')))
  return Object.fromEntries(names.map((name, at) => [name, ports[at]])) as Record<K, number>
}

/** Does anything accept connections there? */
export async function accepts(port: number, host = '127.0.0.1'): Promise<boolean> {
  const socket = connect(port, host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A directory of the test's own, gone when the test ends. */
export function scratch(prefix: string): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), `mailserver-${prefix}-`))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

/** Asks until the answer is not undefined or false. @throws Error when it takes longer than `timeoutMs` */
export async function eventually<T>(
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 10_000,
): Promise<T> {
  const until = Date.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (Date.now() > until) throw new Error(`not within ${timeoutMs} ms: ${ask}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}
