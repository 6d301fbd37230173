import { SEALED, type Vault } from './vault.ts'

/** A value of the index as it goes to the disk. One without octets has nothing to hide. */
export function sealedValue(vault: Vault, value: Buffer): Buffer {
  return value.length === 0 ? value : vault.seal(SEALED.value, value)
}

/** @throws MailError CORRUPT */
export function openedValue(vault: Vault, value: Buffer): Buffer {
  return value.length === 0 ? value : vault.open(SEALED.value, value)
}

/** How the index encodes its values. */
export function sealedValues(vault: Vault) {
  return {
    name: 'sealed',
    format: 'buffer' as const,
    encode: (value: Buffer) => sealedValue(vault, value),
    decode: (value: Buffer) => openedValue(vault, value),
  }
}
