import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface PrivateRoot {
  /** Where the files of the packages are. */
  readonly tree: string
  /** A directory of the peer's own. */
  readonly workspace: string
  /** Users, each with a group of its name, that exist for this peer alone. */
  readonly users: Readonly<Record<string, number>>
  /** Files below `/etc`, by path. */
  readonly etc?: Readonly<Record<string, string>>
}

/**
 * The beginning of a command that runs in a mount namespace of its own, where the packages seem installed and the users
 * exist. Nothing of it is seen outside, or stays.
 */
export function privateRoot({ tree, workspace, users, etc = {} }: PrivateRoot): string[] {
  const layer = join(workspace, 'layer')
  const all = Object.entries(users)
  const files: Record<string, string> = {
    ...etc,
    passwd:
      readFileSync('/etc/passwd', 'utf8') + all.map(([name, id]) => `${name}:x:${id}:${id}::/:/bin/false\n`).join(''),
    group: readFileSync('/etc/group', 'utf8') + all.map(([name, id]) => `${name}:x:${id}:\n`).join(''),
  }
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(layer, 'etc', path)), { recursive: true })
    writeFileSync(join(layer, 'etc', path), text)
  }
  for (const name of ['var-above', 'var-work']) mkdirSync(join(workspace, name))
  mkdirSync(join(tree, 'var'), { recursive: true })
  const script = [
    'set -e',
    `mount -t overlay overlay -o lowerdir=${tree}/usr:/usr /usr`,
    `mount -t overlay overlay -o lowerdir=${layer}/etc:/etc /etc`,
    `mount -t overlay overlay -o lowerdir=${tree}/var:/var,upperdir=${workspace}/var-above,workdir=${workspace}/var-work /var`,
    'ulimit -n $(ulimit -Hn)',
    'exec "$@"',
  ]
  return ['unshare', '--mount', '/bin/sh', '-c', script.join('\n'), 'sh']
}

/** Why a private root cannot be had here. */
export const needsRoot = async (): Promise<string | undefined> =>
  process.getuid?.() === 0 ? undefined : 'it needs root, for a mount namespace of its own'
