import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto'
import { type Algorithm, hash, verify } from '@node-rs/argon2'

/** OWASP's first choice for argon2id: 19 MiB, two passes, one lane. */
const ARGON2ID = { algorithm: 2 as Algorithm.Argon2id, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** Longer ones cost time and prove nothing. */
export const MAX_PASSWORD_BYTES = 1024

/** The argon2id hash of a password, as PHC text. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, ARGON2ID)
}

/** Is it the password of this hash? False for text that is no hash. */
export async function verifyPassword(phc: string, password: string): Promise<boolean> {
  try {
    return await verify(phc, password)
  } catch {
    // Not a hash that argon2 reads: it can be nobody's password.
    return false
  }
}

/** Is this the text of an argon2 hash, not a password in clear? */
export function isHash(text: string): boolean {
  return /^\$argon2(?:id|i|d)\$/.test(text)
}

const key = randomBytes(32)

/** A digest that only this process can make: for comparing and remembering secrets without keeping them. */
export function fingerprint(...parts: readonly string[]): Buffer {
  const hmac = createHmac('sha256', key)
  for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:`).update(part)
  return hmac.digest()
}

/** Equal, in a time that does not depend on where they differ. */
export function isSame(a: string, b: string): boolean {
  return timingSafeEqual(fingerprint(a), fingerprint(b))
}

// Without letters and digits that look alike: it is read from a screen and typed into a phone.
const LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'

/** A password of 100 bits, in four groups: `k7wq2-m4xce-…`. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 5 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  return Array.from({ length: 4 }, group).join('-')
}
