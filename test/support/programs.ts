import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe } from 'vitest'

/** Debian keeps daemons in the sbin directories, which an ordinary PATH leaves out. */
const SEARCH = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/lib/postfix/sbin']

/** Absolute path of an installed program; undefined when it is not there. */
export function findProgram(name: string): string | undefined {
  for (const directory of SEARCH) {
    const path = join(directory, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not in this directory: look in the next.
    }
  }
  return undefined
}

/**
 * A suite that talks to real programs. On a machine without them it is skipped by name; with `INTEROP=required` a
 * missing program fails the suite instead.
 */
export function describeWith(programs: readonly string[], title: string, body: () => void): void {
  const missing = programs.filter((name) => findProgram(name) === undefined)
  if (missing.length === 0) {
    describe(title, body)
  } else if (process.env.INTEROP === 'required') {
    describe(title, () => {
      throw new Error(`INTEROP=required, and these programs are not installed: ${missing.join(', ')}`)
    })
  } else {
    describe.skip(`${title} (needs ${missing.join(', ')})`, body)
  }
}
