import { type FileHandle, open, stat } from 'node:fs/promises'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as sleep } from 'node:timers/promises'
import { UserError } from '../errors/user-error.ts'

const CHUNK_BYTES = 64 * 1024
const LOOK_MS = 200

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const

export interface PrintLogOptions {
  readonly lines: number
  readonly follow: boolean
  readonly level: (typeof LEVELS)[number]
  readonly pretty: boolean
}

/** Prints the last lines of a log file, and with `follow` those that come, also after the file was moved away. */
export async function printLog(path: string, options: PrintLogOptions): Promise<void> {
  const print = await printer(options)
  let file = await openLog(path)
  let at = await startOfLast(file, options.lines)
  let reader = lineReader(print)
  try {
    for (;;) {
      at = await readFrom(file, at, reader)
      if (!options.follow) return
      await sleep(LOOK_MS)
      if (await isMoved(file, path)) {
        await readFrom(file, at, reader)
        await file.close()
        file = await openLog(path)
        at = 0
        reader = lineReader(print)
      }
    }
  } finally {
    await file.close()
  }
}

async function openLog(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new UserError(`There is no log at ${path}.`, {
      nextSteps: [
        'A server in the foreground logs to its terminal; start it in the background: mailserver start --detach',
      ],
      cause,
    })
  }
}

/** Offset at which the last `lines` lines begin, found from the end: a log may be huge. */
async function startOfLast(file: FileHandle, lines: number): Promise<number> {
  const { size } = await file.stat()
  const buffer = Buffer.alloc(CHUNK_BYTES)
  // The newline that ends the last line counts too.
  let missing = lines + 1
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - CHUNK_BYTES)
    const { bytesRead } = await file.read(buffer, 0, end - start, start)
    for (let at = bytesRead - 1; at >= 0; at--) {
      if (buffer[at] === 0x0a && --missing === 0) return start + at + 1
    }
    end = start
  }
  return 0
}

async function readFrom(file: FileHandle, from: number, feed: (chunk: Buffer) => void): Promise<number> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  let at = from
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, CHUNK_BYTES, at)
    if (bytesRead === 0) return at
    feed(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}

function lineReader(print: (line: string) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  return (chunk) => {
    const lines = (rest + decoder.write(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) print(line)
  }
}

async function isMoved(file: FileHandle, path: string): Promise<boolean> {
  try {
    const [ours, there] = await Promise.all([file.stat(), stat(path)])
    return ours.ino !== there.ino
  } catch {
    // It is being moved at this moment: look again later.
    return false
  }
}

async function printer({ level, pretty }: PrintLogOptions): Promise<(line: string) => void> {
  const least = LEVELS.indexOf(level)
  const render = pretty ? await prettyLine() : (line: string) => `${line}\n`
  return (line) => {
    if (least > 0 && LEVELS.indexOf(levelOf(line)) < least) return
    process.stdout.write(render(line))
  }
}

async function prettyLine(): Promise<(line: string) => string> {
  const { prettyFactory } = await import('pino-pretty')
  return prettyFactory({ colorize: true, translateTime: 'SYS:yyyy-mm-dd HH:MM:ss.l', singleLine: true })
}

/** What is no line of ours, such as the last words of a crash, is an error. */
function levelOf(line: string): (typeof LEVELS)[number] {
  const level = /^\{"level":"(\w+)"/.exec(line)?.[1]
  return LEVELS.find((known) => known === level) ?? 'error'
}
