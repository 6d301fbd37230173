import type * as Fs from 'node:fs'
import { torn } from '../../support/torn-write.ts'

type Callback = (error: Error | null) => void
type Change = { readonly position: number; readonly bytes: Buffer } | { readonly size: number }

/** Octets of a file, with room to grow. */
class Content {
  #room: Buffer = Buffer.alloc(0)
  #size = 0

  get bytes(): Buffer {
    return this.#room.subarray(0, this.#size)
  }

  apply(change: Change): void {
    if ('size' in change) {
      this.#resize(change.size)
      return
    }
    const end = change.position + change.bytes.length
    if (end > this.#size) this.#resize(end)
    change.bytes.copy(this.#room, change.position)
  }

  #resize(size: number): void {
    if (size > this.#room.length) this.#room = Buffer.concat([this.bytes], size * 2)
    else if (size < this.#size) this.#room.fill(0, size, this.#size)
    this.#size = size
  }
}

/** A segment as the drive has it, and what the system still holds back. */
class DriveFile {
  readonly held: Change[] = []
  readonly #durable = new Content()

  /** Everything up to the change with this number is on the drive. */
  sync(count: number): void {
    for (const change of this.held.splice(0, count)) this.#durable.apply(change)
  }

  /** The system holds it as written and never writes it: what stands there is on the drive only once it is written again. */
  forget(count: number): void {
    this.held.splice(0, count)
  }

  /** The file after the power failed. `isKept` is asked for each sector, and each change of the size, that was held back. */
  afterPowerLoss(isKept: () => boolean): Buffer {
    const content = new Content()
    content.apply({ position: 0, bytes: this.#durable.bytes })
    for (const change of this.held.flatMap((held) => torn(held, isKept))) content.apply(change)
    return content.bytes
  }
}

/** The drive under the segments of every store, by their paths. */
export const drive = {
  files: new Map<string, DriveFile>(),
  syncs: 0,
  /** The next sync fails, and what it was to bring to the drive is forgotten. */
  failsNext: false,
  clear(): void {
    drive.files.clear()
    drive.syncs = 0
    drive.failsNext = false
  },
}

/** `node:fs` that also keeps a drive which has only what was synced, for `vi.mock`. */
export function poweredBy(fs: typeof Fs): typeof Fs {
  const open = new Map<number, DriveFile>()
  const hold = (fd: number, change: Change) => open.get(fd)?.held.push(change)
  const write = (fd: number, buffers: readonly Buffer[], position: number): number => {
    const count = fs.writevSync(fd, buffers, position)
    hold(fd, { position, bytes: Buffer.concat(buffers).subarray(0, count) })
    return count
  }
  const overlaid = {
    openSync: (...args: Parameters<typeof Fs.openSync>) => {
      const fd = fs.openSync(...args)
      open.delete(fd)
      const name = String(args[0])
      if (!name.endsWith('.seg')) return fd
      if (args[1] === 'wx') drive.files.set(name, new DriveFile())
      const file = drive.files.get(name)
      if (file !== undefined) open.set(fd, file)
      return fd
    },
    unlinkSync: (path: string) => {
      drive.files.delete(path)
      fs.unlinkSync(path)
    },
    ftruncateSync: (fd: number, size: number) => {
      fs.ftruncateSync(fd, size)
      hold(fd, { size })
    },
    fdatasync: (fd: number, done: Callback) => {
      const file = open.get(fd)
      const count = file?.held.length ?? 0
      if (drive.failsNext && file !== undefined) {
        drive.failsNext = false
        file.forget(count)
        setImmediate(done, Object.assign(new Error('EIO: made by the test'), { code: 'EIO' }))
        return
      }
      fs.fdatasync(fd, (error) => {
        drive.syncs += 1
        file?.sync(count)
        done(error)
      })
    },
    fdatasyncSync: (fd: number) => {
      fs.fdatasyncSync(fd)
      drive.syncs += 1
      const file = open.get(fd)
      file?.sync(file.held.length)
    },
    writeSync: (fd: number, bytes: Buffer, offset: number, length: number | null, position: number) => {
      const count = fs.writeSync(fd, bytes, offset, length, position)
      hold(fd, { position, bytes: Buffer.from(bytes.subarray(offset, offset + count)) })
      return count
    },
    writevSync: write,
    writev: Object.assign(() => {}, {
      [Symbol.for('nodejs.util.promisify.custom')]: async (
        fd: number,
        buffers: readonly Buffer[],
        position: number,
      ) => {
        await new Promise((resolve) => setImmediate(resolve))
        return { bytesWritten: write(fd, buffers, position) }
      },
    }),
  }
  return { ...fs, ...overlaid } as unknown as typeof Fs
}
