/**
 * Messages as Maildir++ files that any other tool can read and change, beside a store that keeps the index.
 * @module mailserver/plugins/maildir
 */
import {
  type AccountId,
  blobStore,
  type ConfiguredPlugin,
  definePlugin,
  directory,
  engine,
  mailboxMirror,
  mirroredMailboxes,
  mirrorKeeper,
} from 'mailserver'
import { z } from 'zod'
import { inspectMaildir } from './inspect.ts'
import { Keeper } from './keeper/keeper.ts'
import { Locator } from './locator.ts'
import { Mirror } from './mirror.ts'
import { MirroredBlobStore } from './mirrored-blob-store.ts'
import { accountPath } from './names/account-path.ts'
import { options } from './options.ts'
import { maildirFiles } from './services.ts'

/** Names messages and reads them. Everything of the store stands on this half. */
const files = definePlugin({
  name: 'maildir',
  apiVersion: '^1',
  options,
  needs: { engine },
  wraps: { blobs: blobStore },
  provides: { mirror: mailboxMirror, files: maildirFiles },
  setup({ options: { maxWaiting, maxWaitingMessages }, services, server, clock, metrics }) {
    const refusals = metrics.counter(
      'refusals_total',
      'Changes that were not taken because too much waits to be written',
    )
    const mirror = new Mirror({
      engine: services.engine,
      clock,
      hostname: server.hostname,
      worker: server.worker,
      // A command that moves a whole store has nobody to put off.
      limits:
        server.mode === 'offline'
          ? { bytes: Infinity, operations: Infinity }
          : { bytes: maxWaiting, operations: maxWaitingMessages },
      onRefusal: () => refusals.add(),
    })
    const locator = new Locator(services.engine, services.blobs)
    return {
      services: {
        mirror,
        blobs: new MirroredBlobStore(services.blobs, locator),
        files: { mirror, locator, blobs: services.blobs },
      },
      start: () => mirror.start(),
      stop: () => mirror.stop(),
    }
  },
})

/** Writes the files, and brings in what other programs do. This half stands on the store. */
const keeper = definePlugin({
  name: 'maildir-keeper',
  apiVersion: '^1',
  options: z.object({ path: z.string(), watches: z.int(), rescan: z.int() }),
  needs: { engine, directory, mirrored: mirroredMailboxes, files: maildirFiles },
  provides: { keeper: mirrorKeeper },
  setup({ options: { path, rescan, watches }, services, server, log, clock, metrics }) {
    const waiting = {
      operations: metrics.gauge('waiting', 'Messages and changes that wait to be written to their Maildirs'),
      bytes: metrics.gauge('waiting_bytes', 'Octets of the messages that wait to be written to their Maildirs'),
      failing: metrics.gauge('failing_accounts', 'Accounts whose Maildirs could not be written at the last try'),
      unreadable: metrics.gauge(
        'unreadable_messages',
        'Messages that are not in their Maildirs because their bytes in the store cannot be read',
      ),
    }
    const { mirror, locator, blobs } = services.files
    const rootOf = async (account: AccountId) => {
      const found = await services.directory.account(account)
      return found && accountPath(path, found.address, server.configDir)
    }
    const running = new Keeper({
      engine: services.engine,
      mirrored: services.mirrored,
      blobs,
      log,
      clock,
      mirror,
      watches,
      rescanMs: rescan,
      rootOf,
      isPassive: server.mode === 'offline',
      onWaiting: ({ operations, bytes, failing, unreadable }) => {
        waiting.operations.set(operations)
        waiting.bytes.set(bytes)
        waiting.failing.set(failing)
        waiting.unreadable.set(unreadable)
      },
    })
    locator.known = (account, mailbox, key) => {
      const folder = running.folderOf(account, mailbox)
      const file = folder?.files.get(key)
      return file && folder?.pathOf(file)
    }
    const keeper = {
      name: 'maildir',
      settle: (account: AccountId, signal?: AbortSignal) => running.settle(account, signal),
      inspect: async (account: AccountId) => {
        const root = await rootOf(account)
        return root === undefined ? undefined : inspectMaildir(root)
      },
    }
    return { services: { keeper }, start: () => running.start(), stop: () => running.stop() }
  },
})

/** `maildir({ path: './mail/%d/%n' })`, beside the plugin that keeps the index: `plugins: [level(), maildir({ … }), …]`. */
export function maildir(given: z.input<typeof options>): ConfiguredPlugin[] {
  const { success, data } = options.safeParse(given)
  // Wrong options are named by the first half when the config is loaded.
  const { path, watches, rescan } = success ? data : { path: '', watches: 0, rescan: 10_000 }
  return [files(given), keeper({ path, watches, rescan })]
}
