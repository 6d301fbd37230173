import type { PathLike } from 'node:fs'
import type * as Fs from 'node:fs/promises'
import { basename, dirname, join, sep } from 'node:path'
import { torn } from '../../support/torn-write.ts'

type Change =
  | { readonly position: number; readonly bytes: Buffer }
  | { readonly size: number }
  | { readonly mtime: Date }

/** Octets and time of a file. */
class Content {
  bytes: Buffer = Buffer.alloc(0)
  mtime: Date | undefined

  apply(change: Change): void {
    if ('mtime' in change) this.mtime = change.mtime
    else if ('size' in change) this.#resize(change.size)
    else {
      const { position, bytes } = change
      this.#resize(Math.max(this.bytes.length, position + bytes.length))
      bytes.copy(this.bytes, position)
    }
  }

  #resize(size: number): void {
    this.bytes = Buffer.concat([this.bytes.subarray(0, size)], size)
  }
}

/** A file as the drive has it, and what the system still holds back. */
export class DriveFile {
  readonly #held: Change[] = []
  readonly #durable = new Content()
  size = 0

  hold(change: Change): void {
    this.#held.push(change)
    if ('size' in change) this.size = change.size
    else if ('bytes' in change) this.size = Math.max(this.size, change.position + change.bytes.length)
  }

  /** What a sync that begins now will have written. A sync of the data alone leaves the time behind. */
  begin(isWhole: boolean): () => void {
    const changes = this.#held.filter((change) => isWhole || !('mtime' in change))
    return () => {
      for (const change of changes) {
        const at = this.#held.indexOf(change)
        if (at === -1) continue
        this.#held.splice(at, 1)
        this.#durable.apply(change)
      }
    }
  }

  /** After the power failed. `isKept` is asked for each sector, size and time that was held back. */
  afterPowerLoss(isKept: () => boolean): Content {
    const content = new Content()
    content.apply({ position: 0, bytes: this.#durable.bytes })
    content.mtime = this.#durable.mtime
    for (const change of this.#held.flatMap((held) => torn(held, isKept))) content.apply(change)
    return content
  }
}

/** Names in a directory, as the system has them now. */
export class DriveDirectory {
  readonly names = new Map<string, DriveFile | DriveDirectory>()
}

type Entry = readonly [directory: DriveDirectory, name: string, what: DriveFile | DriveDirectory | undefined]

/** A change of names: all of it is kept, or nothing. It is on the drive once a directory that it touches was synced. */
interface NameChange {
  readonly entries: readonly Entry[]
  isDurable: boolean
}

/** The drive under everything below `root`, while it is set. */
export const drive = {
  root: '',
  top: new DriveDirectory(),
  changes: [] as NameChange[],
  syncs: 0,
  /** Called before a name is made or changed. */
  before: async (_call: 'mkdir' | 'rename', _path: string) => {},

  /** Begins with an empty directory that is on the drive. */
  begin(root: string): void {
    Object.assign(drive, { root, top: new DriveDirectory(), changes: [], syncs: 0, before: async () => {} })
  },

  /** @param isNameKept asked for each change of names that was not synced, in their order */
  afterPowerLoss(isNameKept: () => boolean): Map<DriveDirectory, Map<string, DriveFile | DriveDirectory>> {
    const tree = new Map<DriveDirectory, Map<string, DriveFile | DriveDirectory>>()
    for (const { entries, isDurable } of drive.changes) {
      if (!isDurable && !isNameKept()) continue
      for (const [directory, name, what] of entries) {
        const names = tree.get(directory) ?? new Map()
        if (what === undefined) names.delete(name)
        else names.set(name, what)
        tree.set(directory, names)
      }
    }
    return tree
  },
}

function find(path: string): DriveFile | DriveDirectory | undefined {
  if (path === drive.root) return drive.top
  let at: DriveFile | DriveDirectory | undefined = drive.top
  for (const name of path.slice(drive.root.length + 1).split(sep)) {
    at = at instanceof DriveDirectory ? at.names.get(name) : undefined
  }
  return at
}

function record(...changes: readonly (readonly [path: string, what: DriveFile | DriveDirectory | undefined])[]): void {
  const entries: Entry[] = []
  for (const [path, what] of changes) {
    const directory = find(dirname(path))
    if (!(directory instanceof DriveDirectory)) continue
    const name = basename(path)
    if (what === undefined) directory.names.delete(name)
    else directory.names.set(name, what)
    entries.push([directory, name, what])
  }
  if (entries.length > 0) drive.changes.push({ entries, isDurable: false })
}

function recordRemoval(path: string): void {
  const what = find(path)
  if (what instanceof DriveDirectory) for (const name of [...what.names.keys()]) recordRemoval(join(path, name))
  if (what !== undefined) record([path, undefined])
}

/** What a sync of a directory that begins now will have written. */
function beginNames(directory: DriveDirectory): () => void {
  const changes = drive.changes.filter((change) => !change.isDurable && change.entries.some(([at]) => at === directory))
  return () => {
    for (const change of changes) change.isDurable = true
  }
}

const isOurs = (path: PathLike): boolean => drive.root !== '' && `${path}/`.startsWith(`${drive.root}/`)

function handleOf(handle: Fs.FileHandle, node: DriveFile | DriveDirectory, isAppending: boolean): Fs.FileHandle {
  let position = 0
  const write = async (data: string | Buffer) => {
    await handle.writeFile(data)
    if (!(node instanceof DriveFile)) return
    const bytes = Buffer.from(data as string)
    const at = isAppending ? node.size : position
    node.hold({ position: at, bytes })
    position = at + bytes.length
  }
  const sync = async (isWhole: boolean) => {
    const done = node instanceof DriveFile ? node.begin(isWhole) : beginNames(node)
    await (isWhole ? handle.sync() : handle.datasync())
    drive.syncs += 1
    done()
  }
  const overlaid: Partial<Record<string, (...args: never[]) => Promise<void>>> = {
    writeFile: write,
    sync: () => sync(true),
    datasync: () => sync(false),
    utimes: async (atime: Date, mtime: Date) => {
      await handle.utimes(atime, mtime)
      if (node instanceof DriveFile) node.hold({ mtime })
    },
    truncate: async (size: number) => {
      await handle.truncate(size)
      if (node instanceof DriveFile) node.hold({ size })
    },
  }
  return new Proxy(handle, {
    get(target, name) {
      const ours = overlaid[String(name)]
      if (ours !== undefined) return ours
      const value = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** `node:fs/promises` that also keeps a drive which has only what was synced, for `vi.mock`. */
export function powered(fs: typeof Fs): typeof Fs {
  const overlaid = {
    open: async (path: string, flags: number, mode?: number) => {
      const handle = await fs.open(path, flags, mode)
      if (!isOurs(path)) return handle
      let node = find(path)
      if (node === undefined) {
        node = new DriveFile()
        record([path, node])
      }
      return handleOf(handle, node, (flags & fs.constants.O_APPEND) !== 0)
    },
    mkdir: async (path: string, options?: { recursive?: boolean; mode?: number }) => {
      await drive.before('mkdir', path)
      const made = await fs.mkdir(path, options)
      if (isOurs(path)) {
        const missing: string[] = []
        for (let at = path; at !== drive.root && find(at) === undefined; at = dirname(at)) missing.unshift(at)
        for (const at of missing) record([at, new DriveDirectory()])
      }
      return made
    },
    rename: async (from: string, to: string) => {
      await drive.before('rename', from)
      await fs.rename(from, to)
      if (isOurs(from)) record([from, undefined], [to, find(from)])
    },
    link: async (from: string, to: string) => {
      await fs.link(from, to)
      if (isOurs(from)) record([to, find(from)])
    },
    unlink: async (path: string) => {
      await fs.unlink(path)
      if (isOurs(path)) record([path, undefined])
    },
    rmdir: async (path: string) => {
      await fs.rmdir(path)
      if (isOurs(path)) record([path, undefined])
    },
    rm: async (path: string, options: Parameters<typeof Fs.rm>[1]) => {
      await fs.rm(path, options)
      if (isOurs(path)) recordRemoval(path)
    },
  }
  return { ...fs, ...overlaid } as unknown as typeof Fs
}
