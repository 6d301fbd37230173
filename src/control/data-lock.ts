import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { identityOf } from './process-identity.ts'

/**
 * One process at a time works in a data directory. The lock is a file that names its holder; that of a holder which
 * has died is taken over. Removal of a dead holder's file is itself exclusive, so two that find it never both win.
 */
const LOCK_FILE = 'mailserver.lock'
const PID_FILE = 'mailserver.pid'
const TAKEOVER = 'mailserver.lock.takeover'
/** A takeover is a few file operations: one that is older was cut off. */
const TAKEOVER_MS = 5_000
const TAKEOVER_LOOK_MS = 5

export interface LockHolder {
  readonly pid: number
  /** `server`, or a command that works in the store while no server runs. */
  readonly role: 'server' | 'command'
  readonly identity: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

export interface DataLock {
  release(): void
}

/** Takes the lock at once, or says who has it. The directory must exist. */
export function takeLock(dataDir: string, role: LockHolder['role']): DataLock | LockHolder {
  const holder: LockHolder = { pid: process.pid, role, identity: identityOf(process.pid) ?? '', since: Date.now() }
  const content = JSON.stringify(holder)
  const mine = join(dataDir, `${LOCK_FILE}.${process.pid}.${Math.random().toString(36).slice(2)}`)
  writeFileSync(mine, content, { mode: 0o600 })
  try {
    for (;;) {
      if (linkTo(mine, join(dataDir, LOCK_FILE))) break
      const other = lockHolder(dataDir)
      if (other !== undefined) return other
      removeStale(dataDir)
    }
  } finally {
    unlinkSync(mine)
  }
  if (role === 'server') writeFileSync(join(dataDir, PID_FILE), `${process.pid}\n`, { mode: 0o600 })
  return { release: () => release(dataDir, content, role) }
}

/** The same, waiting while a command has it. @param waitMs how long to wait for a command to end */
export async function takeLockSoon(dataDir: string, role: LockHolder['role'], waitMs: number) {
  const until = Date.now() + waitMs
  for (;;) {
    const taken = takeLock(dataDir, role)
    if ('release' in taken || taken.role === 'server' || Date.now() >= until) return taken
    await sleep(50)
  }
}

/** Who has the lock; undefined when nobody has, or its holder is dead. */
export function lockHolder(dataDir: string): LockHolder | undefined {
  const holder = readHolder(dataDir)
  if (holder === undefined) return undefined
  const identity = identityOf(holder.pid)
  return identity === holder.identity || identity === 'unknown' ? holder : undefined
}

function readHolder(dataDir: string): LockHolder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(dataDir, LOCK_FILE), 'utf8')) as Partial<LockHolder>
    return Number.isInteger(holder.pid) && typeof holder.identity === 'string' ? (holder as LockHolder) : undefined
  } catch {
    // No lock, or one whose writing was cut off by a crash: nobody holds it.
    return undefined
  }
}

function removeStale(dataDir: string): void {
  const takeover = join(dataDir, TAKEOVER)
  try {
    mkdirSync(takeover)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (ageOf(takeover) > TAKEOVER_MS) rmSync(takeover, { recursive: true, force: true })
    // Another takes it over right now: a few file operations, then look again.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TAKEOVER_LOOK_MS)
    return
  }
  try {
    if (lockHolder(dataDir) === undefined) rmSync(join(dataDir, LOCK_FILE), { force: true })
  } finally {
    rmdirSync(takeover)
  }
}

function release(dataDir: string, content: string, role: LockHolder['role']): void {
  try {
    // Somebody may have moved the directory away and another may run in its place: only ours is removed.
    if (readFileSync(join(dataDir, LOCK_FILE), 'utf8') !== content) return
  } catch {
    return
  }
  if (role === 'server') rmSync(join(dataDir, PID_FILE), { force: true })
  rmSync(join(dataDir, LOCK_FILE), { force: true })
}

function linkTo(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

function ageOf(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs
  } catch {
    // Gone already.
    return 0
  }
}
