import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = fileURLToPath(new URL('../../..', import.meta.url))

const base = process.env.XDG_CACHE_HOME ?? tmpdir()

/** Things that take long to make and are kept between runs: peers that are not installed, filled mailboxes. */
export const cacheRoot = join(base, 'mailserver-bench')

/** A directory of the cache; made when it is not there. */
export function cacheDirectory(...names: readonly string[]): string {
  const path = join(cacheRoot, ...names)
  mkdirSync(path, { recursive: true, mode: 0o755 })
  return path
}

/**
 * A directory that `fill` makes once. It counts as made only when `fill` has returned: what an interrupted run left is
 * thrown away.
 */
export async function cached(name: string, fill: (path: string) => Promise<void>): Promise<string> {
  const path = join(cacheRoot, name)
  const done = `${path}.done`
  if (existsSync(done)) return path
  rmSync(path, { recursive: true, force: true })
  mkdirSync(path, { recursive: true, mode: 0o755 })
  await fill(path)
  writeFileSync(done, '')
  return path
}

const DAY_MS = 86_400_000

/** Removes what the cache holds under this prefix and nobody has made or used for a day, but for the name given. */
export function forgetOthers(prefix: string, except: string): void {
  for (const name of readdirSync(cacheDirectory())) {
    const path = join(cacheRoot, name)
    if (!name.startsWith(prefix) || name.startsWith(except) || Date.now() - statSync(path).mtimeMs < DAY_MS) continue
    rmSync(path, { recursive: true, force: true })
  }
}

/** Names the layout on disk of what is built now: any change of the store's code gives another. */
export function layoutKey(): string {
  const hash = createHash('sha256')
  for (const room of ['dist/plugins/level', 'dist/src/store', 'dist/src/mail', 'dist/src/directory']) {
    const directory = join(projectRoot, room)
    const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
    for (const name of names.sort()) hash.update(name).update(readFileSync(join(directory, name)))
  }
  return hash.digest('hex').slice(0, 12)
}
