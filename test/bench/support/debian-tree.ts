import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { run } from '../../support/peer.ts'
import { cached } from './cache.ts'

/**
 * The files of Debian packages, unpacked into the cache and installed nowhere: mail servers of Debian exclude each other.
 * @throws Error that says why they cannot be had
 */
export function debianTree(...packages: readonly string[]): Promise<string> {
  return cached(`debian-${packages.join('+')}`, async (path) => {
    await must('apt-get', ['download', ...packages], path)
    const archives = readdirSync(path).filter((name) => name.endsWith('.deb'))
    for (const archive of archives) await must('dpkg', ['-x', archive, path], path)
  })
}

/** The version of a package, as its archive is named. */
export function versionIn(tree: string, name: string): string {
  const archive = readdirSync(tree).find((one) => one.startsWith(`${name}_`))
  return archive?.split('_')[1]?.replace(/-.*$/, '') ?? 'of an unknown version'
}

async function must(program: string, args: readonly string[], cwd: string): Promise<void> {
  const { code, stderr } = await run(program, args, { cwd, timeoutMs: 120_000 }).catch((error: Error) => ({
    code: 1,
    stderr: error.message,
  }))
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr.trim().split('\n').at(-1)}`)
}

/** A program of the tree. */
export const programIn = (tree: string, path: string): string => join(tree, path)
