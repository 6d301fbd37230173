/** The part of pino's logger that the core and plugins use. Never pass a credential: redaction is the second line, not the first. */
export interface Log {
  trace(fields: object, message?: string): void
  debug(fields: object, message?: string): void
  info(fields: object, message?: string): void
  warn(fields: object, message?: string): void
  error(fields: object, message?: string): void
  child(bindings: Record<string, unknown>): Log
}

const nothing = () => {}

/** Says nothing; for tests and for code that runs before the log is set up. */
export const silentLog: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silentLog,
}
