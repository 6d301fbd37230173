import { MailError } from '../../errors/mail-error.ts'

/** What a record says; undefined when it is missing or cannot be read. */
export function decoded<T>(bytes: Buffer | undefined, decode: (bytes: Buffer) => T): T | undefined {
  if (bytes === undefined) return undefined
  try {
    return decode(bytes)
  } catch (error) {
    if (error instanceof MailError || error instanceof RangeError || error instanceof SyntaxError) return undefined
    throw error
  }
}
