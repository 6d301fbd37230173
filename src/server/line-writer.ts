import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** Lines gather for so long: a write of each would cost a busy server a thirtieth of its time. */
const GATHER_MS = 10
/** Characters that gather at most: about what a pipe takes in one piece, so that lines of two threads never mix. */
const GATHERED = 4_096
/** A pipe whose reader is slow is waited for this long in all; then the rest of the lines is lost, not the server. */
const WAITS = 20
const WAIT_MS = 5

const PRIVATE_FILE = 0o600
const PRIVATE_DIRECTORY = 0o700

/**
 * Writes log lines whole, from any thread: a few together, and all of them before the thread or the process exits. What
 * cannot be written (a full disk, a pipe whose reader has gone) is dropped: a log is no reason to stop serving mail, nor
 * to keep lines in memory.
 */
export class LineWriter {
  readonly #path: string | undefined
  #fd: number
  #gathered = ''
  #timer: NodeJS.Timeout | undefined

  /** @param target a file, made with its directory, or an open descriptor. @throws Error when the file cannot be opened */
  constructor(target: string | number) {
    this.#path = typeof target === 'string' ? target : undefined
    this.#fd = typeof target === 'string' ? open(target) : target
    if (writers.size === 0) process.on('exit', flushAll)
    writers.add(this)
  }

  write(line: string): void {
    if (this.#gathered.length + line.length > GATHERED) this.flush()
    this.#gathered += line
    this.#timer ??= setTimeout(() => this.flush(), GATHER_MS).unref()
  }

  /** Writes what has gathered, now. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    let rest = Buffer.from(this.#gathered)
    this.#gathered = ''
    for (let waits = 0; rest.length > 0; ) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || ++waits > WAITS) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, WAIT_MS)
      }
    }
  }

  /** Goes on in a new file of the same name, after somebody has moved the old one away. */
  reopen(): void {
    if (this.#path === undefined) return
    this.flush()
    const old = this.#fd
    try {
      this.#fd = open(this.#path)
    } catch {
      // There is nowhere to say so: the old file goes on.
      return
    }
    closeSync(old)
  }
}

const writers = new Set<LineWriter>()

function flushAll(): void {
  for (const writer of writers) writer.flush()
}

function open(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_DIRECTORY })
  return openSync(path, 'a', PRIVATE_FILE)
}
