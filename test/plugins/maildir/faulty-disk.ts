import type * as Fs from 'node:fs/promises'

/** A call of the system: what it does, and to what. */
export interface Call {
  readonly kind: string
  readonly path: string
}

/** The disk under everything below `root`. */
export const disk = {
  root: '',
  /** Asked before each call; what it returns the call fails with. */
  fault: undefined as ((call: Call) => Error | undefined) | undefined,
}

export const faultOf = (code: string): Error => Object.assign(new Error(`${code}: made by the test`), { code })

const KINDS = [
  'link',
  'lstat',
  'mkdir',
  'open',
  'readdir',
  'realpath',
  'rename',
  'rm',
  'rmdir',
  'stat',
  'unlink',
] as const
const OF_A_HANDLE = new Set(['writeFile', 'utimes', 'sync', 'datasync', 'truncate', 'read', 'readFile', 'stat'])

function raise(kind: string, path: string): void {
  if (disk.root === '' || !`${path}/`.startsWith(`${disk.root}/`)) return
  const error = disk.fault?.({ kind, path })
  if (error !== undefined) throw error
}

function handleOf(handle: Fs.FileHandle, path: string): Fs.FileHandle {
  return new Proxy(handle, {
    get(target, name) {
      const value = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!OF_A_HANDLE.has(String(name))) return value.bind(target)
      return async (...args: unknown[]) => {
        raise(String(name), path)
        return value.apply(target, args)
      }
    },
  })
}

/** `node:fs/promises` over this disk, for `vi.mock`. */
export function faulty(fs: typeof Fs): typeof Fs {
  const overlaid = Object.fromEntries(
    KINDS.map((kind) => [
      kind,
      async (path: string, ...args: unknown[]) => {
        raise(kind, path)
        const done = await (fs[kind] as (...all: unknown[]) => Promise<unknown>)(path, ...args)
        return kind === 'open' ? handleOf(done as Fs.FileHandle, path) : done
      },
    ]),
  )
  return { ...fs, ...overlaid } as typeof Fs
}
