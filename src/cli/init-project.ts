import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { UserError } from '../errors/user-error.ts'
import { normalizeDomain } from '../mail/address.ts'

interface PackageFile {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

/** What of our own development a new project has too: the runtime, and what makes editors complete the config. */
const COMPANIONS = ['node', '@types/node', 'typescript'] as const

/**
 * Makes a config repository for a new user.
 * @param directory made when it does not exist
 * @param packageRoot directory of this package
 * @returns the files, relative to the directory. @throws UserError when one of them is there already
 */
export async function initProject(directory: string, domain: string, packageRoot: string): Promise<readonly string[]> {
  const name = normalizeDomain(domain)
  if (name === undefined || name.startsWith('[')) throw new UserError(`${domain} is no domain.`, { exitCode: 2 })
  const templates = join(packageRoot, 'templates', 'init')
  const files = new Map<string, string>()
  for (const file of await readdir(templates, { recursive: true })) {
    if (!(await stat(join(templates, file))).isFile()) continue
    const text = await readFile(join(templates, file), 'utf8')
    // npm leaves out files of the name .gitignore when it packs.
    files.set(file === 'gitignore' ? '.gitignore' : file, text.replaceAll('{{domain}}', name))
  }
  files.set('package.json', await packageJson(directory, packageRoot))
  await writeAll(directory, files)
  return [...files.keys()].toSorted()
}

async function packageJson(directory: string, packageRoot: string): Promise<string> {
  const own = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as PackageFile
  const isInstalled = packageRoot.split(/[\\/]/).includes('node_modules')
  const known = { ...own.devDependencies, ...own.dependencies }
  const versions = COMPANIONS.map((name) => [name, known[name] ?? '*'] as const)
  const content = {
    name: basename(resolve(directory))
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '-')
      .replace(/^[._]/, ''),
    private: true,
    type: 'module',
    scripts: {
      start: 'mailserver start',
      test: "node --test 'test/**/*.test.ts'",
      check: 'tsc && mailserver config check',
    },
    dependencies: {
      [own.name]: isInstalled ? own.version : `file:${relative(resolve(directory), packageRoot)}`,
      ...Object.fromEntries(versions.filter(([name]) => name === 'node')),
    },
    devDependencies: Object.fromEntries(versions.filter(([name]) => name !== 'node')),
    allowScripts: own.allowScripts ?? {},
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

/** All or nothing as far as existing files go: none is overwritten. */
async function writeAll(directory: string, files: ReadonlyMap<string, string>): Promise<void> {
  try {
    await mkdir(directory, { recursive: true })
    const there = new Set(await readdir(directory, { recursive: true }))
    const taken = [...files.keys()].filter((file) => there.has(file))
    if (taken.length > 0) {
      throw new UserError(`${directory} has ${taken.join(', ')} already.`, {
        nextSteps: ['Choose an empty directory.'],
      })
    }
    for (const [file, text] of files) {
      await mkdir(dirname(join(directory, file)), { recursive: true })
      await writeFile(join(directory, file), text, { flag: 'wx' })
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause
    throw new UserError(`${directory} cannot be written: ${(cause as Error).message}`, { cause })
  }
}
