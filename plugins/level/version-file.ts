import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A key that segments may be sealed with. */
export interface RecordedKey {
  readonly fingerprint: string
  /** The first segment that is sealed with it, and so are all after it, up to the next key. */
  readonly since: number
}

/** What a store says of itself, in the file VERSION. */
export interface Version {
  readonly version: number
  /** What every frame of this store's segments begins with. */
  readonly marker: Buffer
  /** The newest first. */
  readonly keys: readonly RecordedKey[]
}

export const FILE_MODE = 0o600

const NAME = 'VERSION'

/**
 * Undefined when there is none, or an empty one: a first start that a power failure cut short.
 * @param knownVersion newest layout whose file must be whole; of a newer one only the version is read
 */
export function readVersion(root: string, knownVersion: number): Version | undefined {
  const path = join(root, NAME)
  let text: string
  try {
    text = readFileSync(path, 'latin1')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw cause
  }
  if (text === '') return undefined
  const [, version, marker] = /^(\d{1,9})(?: ([0-9a-f]{16}))?/.exec(text) ?? []
  if (version === undefined) throw new Error(`${path} does not hold a layout version`)
  if (marker === undefined && Number(version) <= knownVersion) throw new Error(`${path} does not hold a marker`)
  const keys = [...text.matchAll(/^key ([0-9a-f]{16}) (\d{1,10})$/gm)].map(([, fingerprint, since]) => ({
    fingerprint: fingerprint as string,
    since: Number(since),
  }))
  return { version: Number(version), marker: Buffer.from(marker ?? '', 'hex'), keys }
}

/** Replaces the file as a whole: after a power failure there is the old one or the new one. */
export function writeVersion(root: string, { version, marker, keys }: Version): void {
  const lines = [`${version} ${marker.toString('hex')}`, ...keys.map((key) => `key ${key.fingerprint} ${key.since}`)]
  const path = join(root, NAME)
  writeFileSync(`${path}.new`, `${lines.join('\n')}\n`, { mode: FILE_MODE, flush: true })
  renameSync(`${path}.new`, path)
  syncDirectory(root)
}

/** Makes names in a directory survive a power failure. */
export function syncDirectory(path: string): void {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
