import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { accepts } from '../../support/peer.ts'
import { hasEnded, untilEnd } from './running.ts'

const KILL_AFTER_MS = 20_000

export interface DaemonOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** What it prints goes here; a pipe that nobody empties would hold it up. */
  readonly logFile: string
  /** Ports that must accept connections before it counts as started. */
  readonly ports: readonly number[]
  readonly timeoutMs?: number
}

/** A server that was started in the foreground, ended by its own pid. */
export class Daemon implements AsyncDisposable {
  readonly pid: number
  readonly #child: ChildProcess
  #startMs = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    this.pid = child.pid as number
  }

  /** From the start of the process until all ports accepted connections. */
  get startMs(): number {
    return this.#startMs
  }

  /** @throws Error with what it printed when it ends, or does not listen in time */
  static async start(command: readonly string[], options: DaemonOptions): Promise<Daemon> {
    const [program = '', ...args] = command
    const log = openSync(options.logFile, 'a')
    const began = performance.now()
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    const daemon = untilEnd(new Daemon(child))
    child.once('exit', () => hasEnded(daemon))
    let fault: Error | undefined
    child.once('error', (error) => {
      fault = error
    })
    const until = began + (options.timeoutMs ?? 60_000)
    for (const port of options.ports) {
      while (!(await accepts(port))) {
        const isOver = child.exitCode !== null || child.signalCode !== null || fault !== undefined
        if (isOver || performance.now() > until) {
          if (!isOver) child.kill('SIGKILL')
          throw new Error(`${program} did not start: ${fault?.message ?? tail(options.logFile)}`)
        }
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    daemon.#startMs = performance.now() - began
    return daemon
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** Asks it to end, and ends it by force when it does not. */
  async stop(): Promise<void> {
    if (this.hasEnded) return
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS)
    await ended
    clearTimeout(timer)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

const tail = (path: string): string => readFileSync(path, 'utf8').slice(-2000)
