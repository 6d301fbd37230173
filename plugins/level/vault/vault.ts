/**
 * Seals bytes with AES-256-GCM: 12 octets salt, 6 octets counter, the ciphertext, 16 octets tag. A thread draws a random
 * salt when it opens the store and derives a key from it that nobody else has, under which it counts: so no two seals
 * share key and counter, whatever crashes, works beside it, or is brought back from a backup.
 */
import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'
import { MailError } from 'mailserver'
import type { KeyRing } from './key-ring.ts'

const SALT_BYTES = 12
const COUNTER_BYTES = 6
const COUNTER_AT = SALT_BYTES
const BODY_AT = SALT_BYTES + COUNTER_BYTES
const TAG_BYTES = 16
const NONCE_BYTES = 12

/** What sealing adds. */
export const SEAL_BYTES = BODY_AT + TAG_BYTES

/** Long before the limits of the cipher a thread goes on under another salt. */
const SEALS_PER_SALT = 2 ** 32
/** Keys of salts that are kept ready. A running server has few, an old index one for each start. */
const OPENERS = 4_096

/** What the bytes are: something sealed as one thing does not open as another. */
export const SEALED = { blob: 1, chunk: 2, manifest: 3, commit: 4, value: 5 } as const
export type SealedKind = (typeof SEALED)[keyof typeof SEALED]

export class Vault {
  readonly ring: KeyRing
  readonly #openers = new Map<string, KeyObject>()
  readonly #nonce = Buffer.alloc(NONCE_BYTES)
  readonly #kind = Buffer.alloc(1)
  #salt = Buffer.alloc(0)
  #key: KeyObject | undefined
  #count = 0

  constructor(ring: KeyRing) {
    this.ring = ring
  }

  seal(kind: SealedKind, plain: Buffer): Buffer {
    if (this.#key === undefined || this.#count === SEALS_PER_SALT) this.#newSalt()
    this.#count += 1
    this.#nonce.writeUIntBE(this.#count, NONCE_BYTES - COUNTER_BYTES, COUNTER_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key as KeyObject, this.#nonce)
    this.#kind[0] = kind
    cipher.setAAD(this.#kind)
    const sealed = Buffer.allocUnsafe(plain.length + SEAL_BYTES)
    this.#salt.copy(sealed)
    sealed.writeUIntBE(this.#count, COUNTER_AT, COUNTER_BYTES)
    cipher.update(plain).copy(sealed, BODY_AT)
    cipher.final()
    cipher.getAuthTag().copy(sealed, BODY_AT + plain.length)
    return sealed
  }

  /** @throws MailError CORRUPT when it is not what was sealed, or none of the keys opens it */
  open(kind: SealedKind, sealed: Buffer): Buffer {
    const salt = sealed.toString('latin1', 0, SALT_BYTES)
    const known = this.#openers.get(salt)
    if (known !== undefined) {
      const plain = this.#tryOpen(kind, sealed, known)
      if (plain !== undefined) return plain
    } else {
      for (const master of this.ring) {
        const key = master.derive(sealed.subarray(0, SALT_BYTES))
        const plain = this.#tryOpen(kind, sealed, key)
        if (plain === undefined) continue
        this.#keep(salt, key)
        return plain
      }
    }
    throw new MailError('CORRUPT', 'something encrypted is damaged, or was encrypted with a key that is not known')
  }

  #tryOpen(kind: SealedKind, sealed: Buffer, key: KeyObject): Buffer | undefined {
    if (sealed.length < SEAL_BYTES) return undefined
    const end = sealed.length - TAG_BYTES
    this.#nonce.fill(0, 0, NONCE_BYTES - COUNTER_BYTES)
    sealed.copy(this.#nonce, NONCE_BYTES - COUNTER_BYTES, COUNTER_AT, BODY_AT)
    const decipher = createDecipheriv('aes-256-gcm', key, this.#nonce, { authTagLength: TAG_BYTES })
    this.#kind[0] = kind
    decipher.setAAD(this.#kind)
    decipher.setAuthTag(sealed.subarray(end))
    const plain = decipher.update(sealed.subarray(BODY_AT, end))
    try {
      decipher.final()
      return plain
    } catch {
      return undefined
    }
  }

  #newSalt(): void {
    this.#salt = randomBytes(SALT_BYTES)
    this.#key = this.ring[0].derive(this.#salt)
    this.#count = 0
    this.#keep(this.#salt.toString('latin1'), this.#key)
  }

  #keep(salt: string, key: KeyObject): void {
    this.#openers.set(salt, key)
    if (this.#openers.size > OPENERS) this.#openers.delete(this.#openers.keys().next().value as string)
  }
}
