import { join } from 'node:path'
import {
  type AccountId,
  type BlobStore,
  type Engine,
  type MailStore,
  type MirroredMailboxes,
  systemClock,
} from 'mailserver'
import type { BacklogLimits } from '../../../plugins/maildir/backlog.ts'
import { Keeper } from '../../../plugins/maildir/keeper/keeper.ts'
import { Locator } from '../../../plugins/maildir/locator.ts'
import { Mirror } from '../../../plugins/maildir/mirror.ts'
import { MirroredBlobStore } from '../../../plugins/maildir/mirrored-blob-store.ts'
import { type Log, silentLog } from '../../../src/kernel/log.ts'
import { createMailStore } from '../../../src/store/create-mail-store.ts'
import { createMirroredMailboxes } from '../../../src/store/mirror/create-mirrored-mailboxes.ts'
import { createStoreContext, type StoreContext } from '../../../src/store/store-context.ts'

export interface OpenedMaildir extends AsyncDisposable {
  readonly engine: Engine
  /** Also reads what is in Maildirs. */
  readonly blobs: BlobStore
  readonly mirror: Mirror
  readonly keeper: Keeper
  readonly store: MailStore
  readonly mirrored: MirroredMailboxes
  readonly context: StoreContext
  /** Directory of an account. */
  root(account: AccountId): string
  close(): Promise<void>
}

export interface OpenMaildirOptions {
  readonly engine: Engine
  readonly blobs: BlobStore
  /** Directory that holds the accounts'. */
  readonly path: string
  readonly log?: Log
  readonly closeStore?: () => Promise<void>
  /** Commits wait: nothing writes files. */
  readonly withoutKeeper?: boolean
  /** How long `close` may write what waits. */
  readonly graceMs?: number
  /** What may wait to be written. */
  readonly limits?: BacklogLimits
}

/** The plugin's parts as a server puts them together, for one worker. */
export async function openMaildir(options: OpenMaildirOptions): Promise<OpenedMaildir> {
  const { engine, path, log = silentLog, limits = { bytes: Infinity, operations: Infinity } } = options
  const mirror = new Mirror({ engine, clock: systemClock, hostname: 'mail.example.test', worker: 0, limits })
  const locator = new Locator(engine, options.blobs)
  const blobs = new MirroredBlobStore(options.blobs, locator)
  const context = createStoreContext({ engine, blobs, clock: systemClock, log, mirror })
  const store = createMailStore(context)
  const mirrored = createMirroredMailboxes(context)
  const root = (account: AccountId) => join(path, account)
  const keeper = new Keeper({
    engine,
    mirrored,
    blobs: options.blobs,
    log,
    clock: systemClock,
    mirror,
    watches: 1_000,
    rescanMs: 2_000,
    rootOf: async (account) => root(account),
  })
  locator.known = (account, mailbox, key) => {
    const folder = keeper.folderOf(account, mailbox)
    const file = folder?.files.get(key)
    return file && folder?.pathOf(file)
  }
  mirror.start()
  if (!options.withoutKeeper) await keeper.start()
  const close = async () => {
    await keeper.stop(options.graceMs)
    mirror.stop()
    store.close()
    mirrored.close()
    await options.closeStore?.()
  }
  return { engine, blobs, mirror, keeper, store, mirrored, context, root, close, [Symbol.asyncDispose]: close }
}
