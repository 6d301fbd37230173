import { readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { UserError } from 'mailserver'
import type { Layout } from '../layout.ts'
import { sealedValues } from '../vault/sealed-values.ts'

export type Database = ClassicLevel<Buffer, Buffer>
export type DatabaseSnapshot = ReturnType<Database['snapshot']>

export interface DatabaseOptions {
  readonly cacheBytes: number
  readonly writeBufferBytes: number
}

/** Does what the end of the thread must not cut off. */
export type Uncut = <T>(work: () => T) => T

/**
 * Opens the index. Threads of one process share the database underneath; the first one that opens it must be the last
 * that closes it, for LevelDB keeps that thread's cache and filter.
 * @param uncut for a thread that may be ended by force
 * @throws UserError when LevelDB cannot read what is there
 */
export async function openDatabase(layout: Layout, options: DatabaseOptions, uncut?: Uncut): Promise<Database> {
  const db: Database = new ClassicLevel(layout.index, {
    keyEncoding: 'buffer',
    valueEncoding: layout.vault === undefined ? 'buffer' : sealedValues(layout.vault),
    multithreading: true,
    cacheSize: options.cacheBytes,
    writeBufferSize: options.writeBufferBytes,
  })
  if (uncut !== undefined) keepWhole(db, uncut)
  return opened(db, layout.index)
}

/**
 * Iterators and snapshots that are made while the thread is ended belong to nobody: the driver could not hand them out, and
 * has no hold on them. An iterator that is left open ends the whole process (an assertion) when the database is closed.
 */
function keepWhole(db: Database, uncut: Uncut): void {
  const { iterator, snapshot } = db
  db.iterator = ((...options: Parameters<Database['iterator']>) =>
    uncut(() => iterator.apply(db, options))) as Database['iterator']
  db.snapshot = (...options) => uncut(() => snapshot.apply(db, options))
}

/** Opens an index for one thread, with its values as they are on disk. @throws UserError */
export async function openRaw(path: string): Promise<Database> {
  return opened(new ClassicLevel(path, { keyEncoding: 'buffer', valueEncoding: 'buffer' }), path)
}

async function opened(db: Database, path: string): Promise<Database> {
  try {
    await db.open()
    return db
  } catch (cause) {
    throw new UserError(`The index ${path} cannot be opened: ${reasonOf(cause)?.message ?? cause}`, {
      cause,
      nextSteps: ['Move this directory away: the next start makes the index anew, from its spare copy and the log.'],
    })
  }
}

/**
 * Keeps every other process out, before anything of the store is read or changed.
 * @throws UserError when another process has the store open
 */
export async function openGate(layout: Layout): Promise<Database> {
  const gate: Database = new ClassicLevel(layout.gate, { keyEncoding: 'buffer', valueEncoding: 'buffer' })
  try {
    await gate.open()
    return gate
  } catch (cause) {
    const reason = reasonOf(cause)
    if (reason?.code === 'LEVEL_LOCKED') {
      throw new UserError(`The store ${layout.root} is in use by another process.`, {
        cause,
        nextSteps: ['Stop that server first, or talk to it with the commands of mailserver.'],
      })
    }
    throw new UserError(`The store ${layout.root} cannot be opened: ${reason?.message ?? cause}`, {
      cause,
      nextSteps: ['Give the user who runs the server read and write permission for it.'],
    })
  }
}

/** What LevelDB said, behind the general words of its wrapper. */
function reasonOf(error: unknown): { code?: string; message?: string } | undefined {
  return (error as { cause?: { code?: string; message?: string } }).cause
}

/**
 * Drops LevelDB's own log, so that what it opens with is its tables alone: an exact prefix of the batches it was given.
 * Its log is never synced here, and after a power failure may have holes; what was in it is replayed from the segments.
 */
export function dropOwnLog(layout: Layout): void {
  for (const name of readdirSync(layout.index)) {
    if (/^\d+\.log$/.test(name)) unlinkSync(join(layout.index, name))
  }
}

/** Moves everything written so far into LevelDB's tables, which it syncs. */
export async function flush(db: Database): Promise<void> {
  // A range that holds nothing: compacting it begins with writing out what is in memory, and ends there.
  await db.compactRange(EMPTY_RANGE, EMPTY_RANGE)
}

const EMPTY_RANGE = Buffer.alloc(16, 0xff)
