import type { ResolvedConfig } from '../config/resolved-config.ts'
import { UserError } from '../errors/user-error.ts'
import type { Converted } from '../store/convert/convert-store.ts'
import { onInterrupt } from './exit.ts'
import { keepFilesPrivate } from './private-files.ts'
import { ProgressLine } from './progress-line.ts'
import { runningServer } from './reach-server.ts'

/** @throws UserError: files must not change while they are converted */
export function refuseRunning(config: ResolvedConfig): void {
  const server = runningServer(config)
  if (server === undefined) return
  throw new UserError(`The server runs as process ${server.pid}; its store cannot be converted meanwhile.`, {
    nextSteps: ['mailserver stop', 'Then give this command again.'],
  })
}

/** Converts the stores of a config. @throws UserError */
export async function convert(config: ResolvedConfig, from: string, to: string): Promise<Converted> {
  const { convertStore } = await import('../store/convert/convert-store.ts')
  const line = new ProgressLine(process.stderr)
  const stop = new AbortController()
  const release = onInterrupt(() => {
    line.say('Stopping …')
    stop.abort(new UserError('Stopped. Give the command again to go on.'))
  })
  try {
    return await inStore(config, from, to, async ({ context, store, keeper, accounts }) =>
      convertStore({
        context,
        store,
        keeper,
        accounts,
        isIntoMirror: to === keeper.name,
        signal: stop.signal,
        onProgress: (progress) => line.show(progress),
      }),
    )
  } finally {
    line.clear()
    release()
  }
}

export async function removeOriginalsOf(config: ResolvedConfig, from: string, to: string): Promise<number> {
  const { removeOriginals } = await import('../store/convert/converted-links.ts')
  return inStore(config, from, to, ({ context, keeper }) => {
    if (to !== keeper.name) {
      throw new UserError(
        `The originals in ${from} are plain files: remove their directories when you need them no more.`,
      )
    }
    return removeOriginals(context)
  })
}

type Parts = Pick<
  Parameters<typeof import('../store/convert/convert-store.ts').convertStore>[0],
  'context' | 'store' | 'keeper' | 'accounts'
>

async function inStore<T>(
  config: ResolvedConfig,
  from: string,
  to: string,
  work: (parts: Parts) => Promise<T>,
): Promise<T> {
  const [{ openOffline }, { directory }, { mirrorKeeper }, { mirroredMailboxes }, { storeContext }, { formatAddress }] =
    await Promise.all([
      import('../server/offline.ts'),
      import('../directory/directory.ts'),
      import('../store/mirror/mirror-keeper.ts'),
      import('../store/mirror/mirrored-mailboxes.ts'),
      import('../store/store-context.ts'),
      import('../mail/address.ts'),
    ])
  checkNames(config, from, to)
  keepFilesPrivate()
  const offline = await openOffline(config, [directory, storeContext, mirroredMailboxes, mirrorKeeper])
  try {
    const { host } = offline
    const accounts = await host.service(directory).accounts()
    return await work({
      context: host.service(storeContext),
      store: host.service(mirroredMailboxes).store,
      keeper: host.service(mirrorKeeper),
      accounts: accounts.map(({ id, address }) => ({ id, address: formatAddress(address) })),
    })
  } finally {
    await offline[Symbol.asyncDispose]()
  }
}

/** @throws UserError when the config has not both, or they are not a store and its mirror */
function checkNames(config: ResolvedConfig, from: string, to: string): void {
  const provides = (name: string, id: string) =>
    config.plugins.some(
      (plugin) =>
        plugin.name === name &&
        Object.values(plugin.spec.provides ?? {}).some((ref) => (ref as { id: string }).id === id),
    )
  const isPair = (store: string, mirror: string) =>
    provides(store, 'core:blob-store') && provides(mirror, 'core:mailbox-mirror')
  if (isPair(from, to) || isPair(to, from)) return
  throw new UserError(`The config has no plugins ${from} and ${to} that messages can be moved between.`, {
    nextSteps: [
      "Name both in the config: plugins: [level(), maildir({ path: './mail/%d/%n' }), …]",
      'Then: mailserver store convert --from level --to maildir',
    ],
  })
}
