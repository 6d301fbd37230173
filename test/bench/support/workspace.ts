import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory for one peer, open to the other users that its daemons run as; gone with `remove`. */
export function workspace(name: string): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), `mailserver-bench-${name}-`))
  chmodSync(path, 0o755)
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
