import pino, { type DestinationStream, type Logger } from 'pino'
import type { LogLevel } from '../config/resolved-config.ts'
import type { Log } from '../kernel/log.ts'

/** Where log lines go. Structured-cloneable: workers get it too. */
export type LogTarget =
  | { readonly kind: 'stdout'; readonly pretty: boolean }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'silent' }

export interface ServerLog extends Log {
  /** Opens the file again, after somebody has moved it away. */
  reopen(): void
  /** Writes out what is still in memory. */
  flush(): void
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
  return Object.assign(wrap(logger), { reopen: destination.reopen, flush: destination.flush })
}

interface Destination {
  readonly stream: DestinationStream
  reopen(): void
  flush(): void
}

async function openDestination(target: LogTarget): Promise<Destination> {
  if (target.kind === 'stdout' && target.pretty) {
    const { default: pretty } = await import('pino-pretty')
    const stream = pretty({
      sync: true,
      destination: 1,
      colorize: true,
      translateTime: 'SYS:HH:MM:ss.l',
      singleLine: true,
    })
    return { stream, reopen: nothing, flush: nothing }
  }
  // Lines are written by each thread itself, at once and whole: a line that was logged is in the file after a crash.
  const file =
    target.kind === 'file'
      ? pino.destination({ dest: target.path, append: true, mkdir: true, mode: 0o600, sync: true })
      : pino.destination({ dest: 1, sync: true })
  return {
    stream: file,
    reopen: () => (target.kind === 'file' ? file.reopen() : undefined),
    flush: () => file.flushSync(),
  }
}

const nothing = () => {}

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
