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
  return Object.assign(wrap(logger), {
    reopen: destination.reopen,
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
    child: (bindings) => wrap(logger.child(withoutSecrets(bindings))),
  }
}
