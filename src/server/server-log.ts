import pino, { type DestinationStream, type Logger } from 'pino'
import type { LogLevel } from '../config/resolved-config.ts'
import type { Log } from '../kernel/log.ts'
import { LineWriter } from './line-writer.ts'
import { withoutSecrets } from './without-secrets.ts'

/** Where log lines go. Structured-cloneable: workers get it too. */
export type LogTarget =
  | { readonly kind: 'stdout'; readonly pretty: boolean }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'silent' }

export interface ServerLog extends Log {
  /** Opens the file again, after somebody has moved it away. */
  reopen(): void
  setLevel(level: LogLevel): void
  /** Writes the lines that wait. Warnings and errors never do. */
  flush(): void
}

export async function createServerLog(target: LogTarget, level: LogLevel): Promise<ServerLog> {
  const destination = await openDestination(target)
  const logger = pino(
    {
      level: target.kind === 'silent' ? 'silent' : level,
      base: null,
      timestamp: isoTime(),
      formatters: { level: (label) => ({ level: label }), log: (fields) => withoutSecrets(fields) },
      serializers: { err: (error) => withoutSecrets(pino.stdSerializers.err(error)) },
    },
    destination.stream,
  )
  return Object.assign(wrap(logger, destination.flush), {
    reopen: destination.reopen,
    flush: destination.flush,
    setLevel: (changed: LogLevel) => {
      if (target.kind !== 'silent') logger.level = changed
    },
  })
}

/** The time of a line; lines of one millisecond share its text. */
function isoTime(): () => string {
  let at = 0
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== at) {
      at = now
      text = `,"time":"${new Date(now).toISOString()}"`
    }
    return text
  }
}

interface Destination {
  readonly stream: DestinationStream
  reopen(): void
  flush(): void
}

async function openDestination(target: LogTarget): Promise<Destination> {
  const writer = new LineWriter(target.kind === 'file' ? target.path : 1)
  const reopen = () => writer.reopen()
  const flush = () => writer.flush()
  if (target.kind !== 'stdout' || !target.pretty) return { stream: writer, reopen, flush }
  const { prettyFactory } = await import('pino-pretty')
  const render = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
  const write = (line: string) => {
    writer.write(render(line))
    // Somebody looks on.
    flush()
  }
  return { stream: { write }, reopen, flush }
}

function wrap(logger: Logger, flush: () => void): Log {
  return {
    trace: (fields, message) => logger.trace(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn(fields, message) {
      logger.warn(fields, message)
      flush()
    },
    error(fields, message) {
      logger.error(fields, message)
      flush()
    },
    child: (bindings) => wrap(logger.child(withoutSecrets(bindings)), flush),
  }
}
