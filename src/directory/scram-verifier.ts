import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from '@mongodb-js/saslprep'

const derive = promisify(pbkdf2)

/**
 * Rounds of PBKDF2. Four times what RFC 7677 section 4 asks for at least would do for the exchange; more, because whoever
 * steals the store guesses against this and not against argon2id. Not more, because Cyrus SASL, which many clients use,
 * refuses counts above 65,536.
 */
export const SCRAM_ITERATIONS = 60_000
export const SCRAM_SALT_BYTES = 16

/** What a server keeps of a password for SCRAM-SHA-256 (RFC 5802 section 3). The password cannot be had from it but by guessing. */
export interface ScramVerifier {
  /** Base64, as it is sent. */
  readonly salt: string
  readonly iterations: number
  /** Base64. */
  readonly storedKey: string
  /** Base64. */
  readonly serverKey: string
}

/** @returns undefined for a password that SASLprep does not allow (RFC 4013): SCRAM cannot carry it */
export async function scramVerifier(
  password: string,
  salt: Buffer = randomBytes(SCRAM_SALT_BYTES),
  iterations: number = SCRAM_ITERATIONS,
): Promise<ScramVerifier | undefined> {
  const prepared = prepare(password)
  if (prepared === undefined) return undefined
  const salted = await derive(prepared, salt, iterations, 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  return {
    salt: salt.toString('base64'),
    iterations,
    storedKey: createHash('sha256').update(clientKey).digest('base64'),
    serverKey: hmac(salted, 'Server Key').toString('base64'),
  }
}

/** RFC 4013. @returns undefined for text with characters that it prohibits */
export function prepare(text: string): string | undefined {
  try {
    return saslprep(text)
  } catch {
    return undefined
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
