import pino, { type DestinationStream, type Logger } from 'pino'
import type { LogLevel } from '../config/resolved-config.ts'
import type { Log } from '../kernel/log.ts'
import { LineWriter } from './line-writer.ts'

/** Where log lines go. Structured-cloneable: workers get it too. */
export type LogTarget =
  | { readonly kind: 'stdout'; readonly pretty: boolean }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'silent' }

export interface ServerLog extends Log {
  /** Opens the file again, after somebody has moved it away. */
  reopen(): void
  setLevel(level: LogLevel): void
}

/**
 * Fields that would hold a credential. The second line of defence: nothing in the project logs one.
 * Depth is spelled out because pino compiles these paths, and a wildcard matches one level.
 */
const SECRET_FIELDS = ['password', 'pass', 'secret', 'token', 'authorization', 'credentials', 'privateKey']
const REDACTED_PATHS = SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`])

export async function createServerLog(target: LogTarget, level: LogLevel): Promise<ServerLog> {
  const destination = await openDestination(target)
  const logger = pino(
    {
      level: target.kind === 'silent' ? 'silent' : level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED_PATHS, censor: '[redacted]' },
      serializers: { err: pino.stdSerializers.err },
    },
    destination.stream,
  )
  return Object.assign(wrap(logger), {
    reopen: destination.reopen,
    setLevel: (changed: LogLevel) => {
      if (target.kind !== 'silent') logger.level = changed
    },
  })
}

interface Destination {
  readonly stream: DestinationStream
  reopen(): void
}

async function openDestination(target: LogTarget): Promise<Destination> {
  const writer = new LineWriter(target.kind === 'file' ? target.path : 1)
  const reopen = () => writer.reopen()
  if (target.kind !== 'stdout' || !target.pretty) return { stream: writer, reopen }
  const { prettyFactory } = await import('pino-pretty')
  const render = prettyFactory({ colorize: true, translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
  return { stream: { write: (line) => writer.write(render(line)) }, reopen }
}

function wrap(logger: Logger): Log {
  return {
    trace: (fields, message) => logger.trace(fields, message),
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (bindings) => wrap(logger.child(bindings)),
  }
}
