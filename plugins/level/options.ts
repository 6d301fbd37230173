import { resolve } from 'node:path'
import { byteSize, Secret } from 'mailserver'
import { z } from 'zod'
import type { StoreOptions } from './store-options.ts'
import { keyRing } from './vault/key-ring.ts'

const MB = 1024 * 1024

const secretText = () => z.union([z.string().min(1), z.instanceof(Secret)])

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
  /**
   * What compaction does with messages that have come to rest: leave them as they are, or write them smaller. It costs
   * nothing while mail comes in, and time whenever such a message is read.
   */
  compression: z.enum(['none', 'zstd']).default('none'),
  /**
   * Encrypts messages, commits and the values of the index. A key is 32 octets, in hexadecimal digits or base64, best
   * as a secret. To replace one, name both, the new one first, until the log says that the old one is not needed.
   */
  encryption: z
    .union([z.strictObject({ key: secretText() }), z.strictObject({ keys: z.array(secretText()).min(1) })])
    .optional(),
})

export type Options = z.output<typeof options>

/** Where the store lies. */
export function storePath(options: Options, server: { readonly dataDir: string; readonly configDir: string }): string {
  return options.path === undefined ? resolve(server.dataDir, 'store') : resolve(server.configDir, options.path)
}

/** @throws UserError when a key cannot be read, or is none */
export function storeOptions(options: Options, { configDir }: { readonly configDir: string }): StoreOptions {
  const { encryption } = options
  const keys = encryption === undefined ? undefined : 'key' in encryption ? [encryption.key] : encryption.keys
  const reveal = (key: string | Secret) => (key instanceof Secret ? key.reveal(configDir) : key)
  return {
    ring: keys && keyRing(keys.map(reveal)),
    compression: options.compression,
    durability: options.durability,
    segmentBytes: options.segmentSize,
    reserveBytes: options.reserve,
    cacheBytes: options.cacheSize,
    writeBufferBytes: options.writeBufferSize,
  }
}
