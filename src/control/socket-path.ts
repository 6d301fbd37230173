import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** What `sun_path` holds on the BSDs and macOS; Linux has four more. */
const MAX_BYTES = 103

const SOCKET = 'control.sock'
/** Says where the socket is when the data directory's own path is too long for one. */
const RECORD = 'control.path'

/**
 * Path for the control socket of a data directory. When it is too long for a unix socket the socket goes into a
 * directory of our own among the temporary files, named by a hash, and the data directory records where.
 */
export function prepareSocketPath(dataDir: string, temporary: string = tmpdir()): string {
  const near = join(dataDir, SOCKET)
  rmSync(join(dataDir, RECORD), { force: true })
  if (Buffer.byteLength(near) <= MAX_BYTES) return near
  const uid = process.getuid?.() ?? 0
  const directory = join(
    temporary,
    `mailserver-${uid}-${createHash('sha256').update(dataDir).digest('hex').slice(0, 16)}`,
  )
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { uid: owner, mode } = lstatSync(directory)
  if (owner !== uid || (mode & 0o077) !== 0) {
    throw new Error(`${directory} belongs to another user or is open to others: remove it`)
  }
  const far = join(directory, SOCKET)
  writeFileSync(join(dataDir, RECORD), far, { mode: 0o600 })
  return far
}

/** Where the control socket of a data directory is, or would be. */
export function socketPathOf(dataDir: string): string {
  try {
    return readFileSync(join(dataDir, RECORD), 'utf8')
  } catch {
    // None recorded: it is where it usually is.
    return join(dataDir, SOCKET)
  }
}
