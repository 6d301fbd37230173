import { MailError } from '../../errors/mail-error.ts'

/** A response that has not its mechanism's syntax. */
export function malformed(mechanism: string): MailError {
  return new MailError('INVALID', `a malformed ${mechanism} response`)
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws MailError INVALID when the octets are no UTF-8 */
export function utf8(mechanism: string, bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch {
    throw malformed(mechanism)
  }
}
