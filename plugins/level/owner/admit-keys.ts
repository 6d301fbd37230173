/**
 * Before anything is opened: are the keys at hand those the store needs? Then makes the first of them the one that
 * seals: the index is written anew under it, and the log goes on with it from its next segment.
 */
import { type Log, UserError } from 'mailserver'
import { type Database, openRaw } from '../engine/database.ts'
import { INDEX_KEY } from '../engine/private-keys.ts'
import { LAYOUT_VERSION, type Layout, listSegments } from '../layout.ts'
import { readVersion, type Version, writeVersion } from '../version-file.ts'
import { rewriteIndex } from './rewrite-index.ts'

/** @throws UserError when a key is missing or wrong */
export async function admitKeys(layout: Layout, log: Log): Promise<void> {
  const { root, vault } = layout
  const version = readVersion(root, LAYOUT_VERSION) as Version
  const needed = version.keys.map(({ fingerprint }) => fingerprint)
  if (vault === undefined) return refuseUnknown(root, [], needed)
  const known = vault.ring.map(({ fingerprint }) => fingerprint)
  const keyOfIndex = await readKeyOfIndex(layout)
  refuseUnknown(root, known, keyOfIndex === undefined ? needed : [keyOfIndex, ...needed])
  const { fingerprint } = vault.ring[0]
  if (needed[0] !== fingerprint) {
    const since = Math.max(-1, ...listSegments(layout)) + 1
    writeVersion(root, { ...version, keys: [{ fingerprint, since }, ...version.keys] })
    log.info({ path: root, key: fingerprint }, 'the store is encrypted with this key from here on')
  }
  if (keyOfIndex !== fingerprint) await rewriteIndex(layout, keyOfIndex !== undefined, log)
}

/** Of an index that was opened without a key. @throws UserError when it needs one */
export function admitIndex({ root, vault }: Layout, db: Database): void {
  const fingerprint = vault === undefined ? db.getSync(INDEX_KEY) : undefined
  if (fingerprint !== undefined) refuseUnknown(root, [], [fingerprint.toString()])
}

/** The key that the index is sealed with; undefined when it is not. */
async function readKeyOfIndex(layout: Layout): Promise<string | undefined> {
  const db = await openRaw(layout.index)
  try {
    return db.getSync(INDEX_KEY)?.toString()
  } finally {
    await db.close()
  }
}

function refuseUnknown(root: string, known: readonly string[], needed: readonly string[]): void {
  const missing = needed.find((fingerprint) => !known.includes(fingerprint))
  if (missing !== undefined) throw refusal(root, missing, known.length > 0)
}

function refusal(root: string, missing: string, hasKeys: boolean): UserError {
  const nextSteps = [
    `Name the key ${missing} in the option encryption of the level plugin. Without it nobody can read the store.`,
    'While a key is being replaced both belong there, the new one first: keys: [new, old].',
  ]
  return hasKeys
    ? new UserError(`The store ${root} is encrypted with a key that is not among those given.`, { nextSteps })
    : new UserError(`The store ${root} is encrypted, and no key is given.`, { nextSteps })
}
