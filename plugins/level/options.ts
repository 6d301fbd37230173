import { resolve } from 'node:path'
import { byteSize } from 'mailserver'
import { z } from 'zod'
import type { StoreOptions } from './store-options.ts'

const MB = 1024 * 1024

export const options = z.strictObject({
  /** Directory of the store, relative to the config file; `store` in the data directory when absent. */
  path: z.string().min(1).optional(),
  /**
   * When a commit counts as done. `group`: it is on disk, synced together with all that wait at that moment, and flag
   * changes follow within a second. `fsync`: flag changes wait for the disk as well. `os`: nothing waits; mail that was
   * accepted may be lost in a power failure, though not when only the server dies.
   */
  durability: z.enum(['group', 'fsync', 'os']).default('group'),
  /** Size at which a segment ends and the next begins. */
  segmentSize: byteSize().default(256 * MB),
  /** Room on the disk that messages do not get: below it they are put off, so that the index can always go on. */
  reserve: byteSize().default(128 * MB),
  /** Memory for index blocks that were read lately. Shared by all workers. */
  cacheSize: byteSize().default(32 * MB),
  /** Index writes kept in memory before they become a table. Shared by all workers. */
  writeBufferSize: byteSize().default(16 * MB),
})

export type Options = z.output<typeof options>

/** Where the store lies. */
export function storePath(options: Options, server: { readonly dataDir: string; readonly configDir: string }): string {
  return options.path === undefined ? resolve(server.dataDir, 'store') : resolve(server.configDir, options.path)
}

export function storeOptions(options: Options): StoreOptions {
  return {
    durability: options.durability,
    segmentBytes: options.segmentSize,
    reserveBytes: options.reserve,
    cacheBytes: options.cacheSize,
    writeBufferBytes: options.writeBufferSize,
  }
}
