import { Flags } from '@oclif/core'
import { parseByteSize } from '../config/units.ts'
import { EXIT, UserError } from '../errors/user-error.ts'

const NONE = 'none'

export const limitFlags = {
  quota: Flags.string({ summary: "Space for all mail, e.g. 2GB; 'none' for no limit." }),
  messages: Flags.string({ summary: "Messages at most; 'none' for no limit." }),
}

/** Octets; null for no limit, undefined when nothing was said. @throws UserError (exit code 2) */
export function quotaOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  if (text === NONE) return null
  const octets = parseByteSize(text)
  if (octets !== undefined && octets > 0) return octets
  throw new UserError(`--quota: expected a size such as 512MB or 2GB, or none, got ${text}.`, { exitCode: EXIT.usage })
}

/** The same for a number of messages. */
export function messagesOf(text: string | undefined): number | null | undefined {
  if (text === undefined) return undefined
  if (text === NONE) return null
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new UserError(`--messages: expected a number, or none, got ${text}.`, { exitCode: EXIT.usage })
}
