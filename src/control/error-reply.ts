import { z } from 'zod'
import { ConfigError } from '../errors/config-error.ts'
import { codeOf, MailError, type MailErrorCode } from '../errors/mail-error.ts'
import { EXIT, type ExitCode, UserError } from '../errors/user-error.ts'

/** HTTP status of each code. */
const STATUS = {
  RECIPIENT_UNKNOWN: 404,
  RELAY_DENIED: 403,
  SENDER_NOT_ALLOWED: 403,
  NOT_ALLOWED: 403,
  AUTHENTICATION_FAILED: 403,
  OVER_QUOTA: 409,
  TOO_LARGE: 413,
  LIMIT_REACHED: 429,
  MAILBOX_NOT_FOUND: 404,
  MAILBOX_EXISTS: 409,
  NOT_FOUND: 404,
  INVALID: 400,
  CONFLICT: 409,
  IN_USE: 409,
  STORE_FULL: 507,
  CORRUPT: 500,
  UNAVAILABLE: 503,
} as const satisfies Record<MailErrorCode, number>

export const errorBody = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
    file: z.string().optional(),
    nextSteps: z.array(z.string()).optional(),
  }),
})

export type ErrorBody = z.output<typeof errorBody>

export interface ErrorReply {
  readonly status: number
  readonly body: ErrorBody
  /** True when the fault is ours and its detail belongs into the log. */
  readonly isOurs: boolean
}

/** The request itself is wrong. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest'
}

/** What a caller of the API is told of an error. */
export function errorReply(error: unknown): ErrorReply {
  if (error instanceof BadRequest) return reply(400, 'INVALID', error.message)
  if (error instanceof ConfigError) {
    const { problems, file, message } = error
    const detail = { problems: [...problems], ...(file !== undefined && { file }) }
    return { status: 422, isOurs: false, body: { error: { code: 'CONFIG', message, ...detail } } }
  }
  if (error instanceof UserError) {
    const { message, nextSteps } = error
    return { status: 422, isOurs: false, body: { error: { code: 'USER', message, nextSteps: [...nextSteps] } } }
  }
  if (error instanceof MailError) return reply(STATUS[codeOf(error)], error.code, error.message)
  // The unix socket is the operator's own: the message helps, and the stack is in the log.
  return { ...reply(500, 'FAULT', error instanceof Error ? error.message : String(error)), isOurs: true }
}

/** The error that a reply stands for, at the caller's side. */
export function errorOf(body: ErrorBody): Error {
  const { code, message, problems, file, nextSteps } = body.error
  if (code === 'CONFIG' && problems !== undefined) return new ConfigError(problems, { file })
  return new UserError(message, { nextSteps: nextSteps ?? [], exitCode: EXIT_OF.get(code) ?? EXIT.failed })
}

const EXIT_OF: ReadonlyMap<string, ExitCode> = new Map([['INVALID', EXIT.usage]])

function reply(status: number, code: string, message: string): ErrorReply {
  return { status, isOurs: false, body: { error: { code, message } } }
}
