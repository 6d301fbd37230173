import type * as Fs from 'node:fs'

type Callback = (error: Error | null, count?: number) => void

/** What the disk does instead of its work, on the segments alone; undefined lets it work. */
export const disk = {
  sync: undefined as (() => Error | undefined) | undefined,
  /** A sync begins once this has resolved. */
  syncGate: undefined as Promise<void> | undefined,
  /** The same for a write that is not over at once, of more than 64 KB. */
  writeGate: undefined as Promise<void> | undefined,
  /** Octets that still fit: a write takes what fits, and fails when that is nothing. */
  room: Number.POSITIVE_INFINITY,
  write: undefined as (() => Error | undefined) | undefined,
  open: undefined as (() => Error | undefined) | undefined,
  read: undefined as (() => Error | undefined) | undefined,
  /** Octets that are free, as the system tells. */
  free: undefined as number | undefined,
  /** Files that were synced. */
  synced: new Set<number>(),
  syncs: 0,
  /** Those of `syncs` that the thread itself waited for. */
  heldSyncs: 0,
}

export function repair(): void {
  const working = {
    sync: undefined,
    write: undefined,
    syncGate: undefined,
    writeGate: undefined,
    open: undefined,
    read: undefined,
  }
  Object.assign(disk, { ...working, room: Number.POSITIVE_INFINITY, free: undefined, syncs: 0, heldSyncs: 0 })
  disk.synced.clear()
}

export const fault = (code: string) => Object.assign(new Error(`${code}: made by the test`), { code })

/** `node:fs` over this disk, for `vi.mock`. */
export function faulty(fs: typeof Fs): typeof Fs {
  const isSegment = (path: unknown) => String(path).endsWith('.seg')
  const segments = new Set<number>()
  const raise = (make: (() => Error | undefined) | undefined) => {
    const error = make?.()
    if (error !== undefined) throw error
  }
  const fitting = (fd: number, buffers: readonly Buffer[]): Buffer => {
    const all = Buffer.concat(buffers)
    if (!segments.has(fd)) return all
    raise(disk.write)
    if (disk.room === 0) throw fault('ENOSPC')
    const fits = all.subarray(0, disk.room)
    disk.room -= fits.length
    return fits
  }
  const overlaid = {
    openSync: (...args: Parameters<typeof Fs.openSync>) => {
      if (isSegment(args[0])) raise(disk.open)
      const fd = fs.openSync(...args)
      if (isSegment(args[0])) segments.add(fd)
      else segments.delete(fd)
      return fd
    },
    readSync: (...args: Parameters<typeof Fs.readSync>) => {
      raise(disk.read)
      return fs.readSync(...args)
    },
    statfsSync: (path: string) => ({
      ...fs.statfsSync(path),
      ...(disk.free !== undefined && { bavail: disk.free, bsize: 1 }),
    }),
    fdatasync: (fd: number, done: Callback) => {
      if (!segments.has(fd)) return fs.fdatasync(fd, done)
      disk.synced.add(fd)
      disk.syncs += 1
      void Promise.resolve(disk.syncGate).then(() => {
        const error = disk.sync?.()
        if (error === undefined) fs.fdatasync(fd, done)
        else setImmediate(done, error)
      })
    },
    fdatasyncSync: (fd: number) => {
      if (segments.has(fd)) {
        disk.synced.add(fd)
        disk.syncs += 1
        disk.heldSyncs += 1
        raise(disk.sync)
      }
      fs.fdatasyncSync(fd)
    },
    writevSync: (fd: number, buffers: readonly Buffer[], position: number) =>
      fs.writevSync(fd, [fitting(fd, buffers)], position),
    writev: Object.assign(() => {}, {
      [Symbol.for('nodejs.util.promisify.custom')]: async (
        fd: number,
        buffers: readonly Buffer[],
        position: number,
      ) => {
        await disk.writeGate
        return { bytesWritten: fs.writevSync(fd, [fitting(fd, buffers)], position) }
      },
    }),
  }
  return { ...fs, ...overlaid } as unknown as typeof Fs
}
