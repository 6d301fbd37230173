import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../../../../../shared/data/messages')

export interface RealMessage {
  readonly name: string
  /** Every line ended by CRLF, as SMTP carries it. */
  readonly bytes: Buffer
}

/** The collected messages, real and malformed; undefined where they are not. */
export function realMessages(): readonly RealMessage[] | undefined {
  try {
    return readdirSync(ROOT, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.eml'))
      .sort()
      .map((name) => ({ name, bytes: crlf(readFileSync(join(ROOT, name))) }))
  } catch {
    // The data is not part of the repository.
    return undefined
  }
}

function crlf(bytes: Buffer): Buffer {
  const text = bytes.toString('latin1').replace(/\r\n|\r|\n/g, '\r\n')
  return Buffer.from(text.endsWith('\r\n') ? text : `${text}\r\n`, 'latin1')
}

/** The message as DATA sends it, its end left out (RFC 5321 section 4.5.2). */
export function stuffed(bytes: Buffer): Buffer {
  return Buffer.from(bytes.toString('latin1').replace(/^\./gm, '..').replace(/\r\n$/, ''), 'latin1')
}
