/**
 * Writes the index anew under another key. The new one grows beside the old and takes its place when it is whole and on
 * disk; stopped anywhere, the next start has one of the two and begins again or goes on.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import type { Log } from 'mailserver'
import { flush, openRaw } from '../engine/database.ts'
import { INDEX_KEY } from '../engine/private-keys.ts'
import { DIRECTORY_MODE, type Layout, syncDirectory } from '../layout.ts'
import { openedValue, sealedValue } from '../vault/sealed-values.ts'
import { dropSpare, takeSpare } from './spare-index.ts'

const BATCH_ENTRIES = 2_000
const TELL_MS = 5_000

/** Completes the exchange of an old index for a new one, or takes back what was begun. */
export function finishExchange(layout: Layout): void {
  const { root, index } = layout
  if (existsSync(`${index}.old`)) {
    // The new one was whole before the old one was put aside.
    if (existsSync(`${index}.new`)) {
      rmSync(index, { recursive: true, force: true })
      renameSync(`${index}.new`, index)
      syncDirectory(root)
    }
    dropSpare(layout)
    rmSync(`${index}.old`, { recursive: true, force: true })
  }
  rmSync(`${index}.new`, { recursive: true, force: true })
}

/** Seals every value with the first key of the vault. Nobody has the index open. */
export async function rewriteIndex(layout: Layout, isSealed: boolean, log: Log): Promise<void> {
  const { root, index, vault } = layout
  if (vault === undefined) throw new Error('an index is rewritten under a key')
  rmSync(`${index}.new`, { recursive: true, force: true })
  mkdirSync(`${index}.new`, { mode: DIRECTORY_MODE })
  const from = await openRaw(index)
  const to = await openRaw(`${index}.new`)
  const iterator = from.iterator()
  let done = 0
  let told = performance.now()
  try {
    for (let entries = await iterator.nextv(BATCH_ENTRIES); entries.length > 0; ) {
      const batch = to.batch()
      for (const [key, value] of entries) {
        batch.put(key, sealedValue(vault, isSealed && !key.equals(INDEX_KEY) ? openedValue(vault, value) : value))
      }
      await batch.write()
      done += entries.length
      if (performance.now() - told > TELL_MS) {
        told = performance.now()
        log.info({ entries: done }, 'encrypting the index of the store')
      }
      entries = await iterator.nextv(BATCH_ENTRIES)
    }
    await to.put(INDEX_KEY, Buffer.from(vault.ring[0].fingerprint))
    await flush(to)
  } finally {
    await iterator.close()
    await from.close()
    await to.close()
  }
  renameSync(index, `${index}.old`)
  syncDirectory(root)
  renameSync(`${index}.new`, index)
  syncDirectory(root)
  if (dropSpare(layout)) await takeSpare(layout)
  rmSync(`${index}.old`, { recursive: true, force: true })
  log.info({ entries: done }, 'encrypted the index of the store')
}
