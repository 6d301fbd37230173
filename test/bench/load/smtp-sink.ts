import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { accepts, eventually } from '../../support/peer.ts'
import { findProgram } from '../../support/programs.ts'

/** Postfix's smtp-sink: takes all mail, throws it away, and counts it. */
export class SmtpSink implements AsyncDisposable {
  readonly port: number
  #child: ChildProcess | undefined
  #before = 0
  #count = 0

  constructor(port: number) {
    this.port = port
  }

  /** Messages taken so far, over all its starts. */
  get messages(): number {
    return this.#before + this.#count
  }

  async start(): Promise<void> {
    // As root it wants to be told whom to become.
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    const child = spawn(findProgram('smtp-sink') ?? 'smtp-sink', ['-c', ...user, `127.0.0.1:${this.port}`, '1000'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    this.#child = child
    this.#before += this.#count
    this.#count = 0
    let rest = ''
    child.stdout.on('data', (chunk: Buffer) => {
      // "sess=1 quit=0 mesg=3" and a carriage return, over and over.
      const text = rest + chunk.toString('latin1')
      rest = text.slice(text.lastIndexOf('\r') + 1)
      const last = [...text.matchAll(/mesg=(\d+)\r/g)].at(-1)
      if (last !== undefined) this.#count = Number(last[1])
    })
    await eventually(() => accepts(this.port))
  }

  async stop(): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}
