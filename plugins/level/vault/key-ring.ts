import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto'
import { UserError } from 'mailserver'

const KEY_BYTES = 32
const FINGERPRINT_BYTES = 8

/** A key of the operator's. It never encrypts anything itself: what does is derived from it. */
export interface MasterKey {
  /** Tells it from others, and nothing about it. 16 characters. */
  readonly fingerprint: string
  /** The key for what is sealed under this salt. */
  derive(salt: Buffer): KeyObject
}

/** The keys a store is opened with: the first seals, all of them open. */
export type KeyRing = readonly [MasterKey, ...MasterKey[]]

/**
 * @param texts 32 octets each, as 64 hexadecimal digits or in base64
 * @throws UserError when one is neither
 */
export function keyRing(texts: readonly string[]): KeyRing {
  const keys = texts.map((text, at) => masterKey(text.trim(), at))
  const [first, ...rest] = keys
  if (first === undefined) throw new UserError('The option encryption of the store names no key.')
  return [first, ...rest]
}

function masterKey(text: string, at: number): MasterKey {
  const bytes = /^[0-9a-f]{64}$/i.test(text)
    ? Buffer.from(text, 'hex')
    : /^[A-Za-z0-9+/]{43}=?$/.test(text)
      ? Buffer.from(text, 'base64')
      : Buffer.alloc(0)
  if (bytes.length !== KEY_BYTES) {
    throw new UserError(`Encryption key ${at + 1} of the store is not 32 octets in hexadecimal digits or base64.`, {
      nextSteps: [
        'Make one with: openssl rand -hex 32',
        'Keep it where the store is not, with a copy: nothing opens the store without it.',
      ],
    })
  }
  const secret = createSecretKey(bytes)
  bytes.fill(0)
  return {
    fingerprint: createHmac('sha256', secret)
      .update('mailserver store key')
      .digest()
      .toString('hex', 0, FINGERPRINT_BYTES),
    derive: (salt) => createSecretKey(Buffer.from(hkdfSync('sha256', secret, salt, 'mailserver store', KEY_BYTES))),
  }
}
