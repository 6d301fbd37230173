import { dirname, resolve } from 'node:path'
import { loadConfig } from '../../config/load-config.ts'
import type { ResolvedConfig } from '../../config/resolved-config.ts'
import { UserError } from '../../errors/user-error.ts'
import type { ConfiguredPlugin } from '../../kernel/plugin.ts'
import type { ServiceRef } from '../../kernel/service.ts'
import { blobStore } from '../../store/blob-store.ts'
import { engine } from '../../store/engine.ts'

/** Of this file, for a config that is written elsewhere. */
export const CRASH_STORAGE_URL = import.meta.url

/** The plugins of a config that keep mail, as it sets them, but for where: that is their default in another data directory. */
export async function storageOf(configFile: string): Promise<readonly ConfiguredPlugin[]> {
  return storagePlugins(await loadConfig(configFile)).map((plugin) => {
    const { path: _, ...options } = (plugin.options ?? {}) as { path?: unknown }
    return { ...plugin, options }
  })
}

/** A directory on the disk where the config keeps mail. */
export function diskOf(config: ResolvedConfig): string {
  for (const { options } of storagePlugins(config)) {
    const { path } = (options ?? {}) as { path?: unknown }
    if (typeof path === 'string') return dirname(resolve(config.configDir, path))
  }
  return config.dataDir
}

/** @throws UserError when the config has none */
function storagePlugins({ plugins, prefer }: ResolvedConfig): readonly ConfiguredPlugin[] {
  const chosen = [engine, blobStore].map(({ id }) => {
    const offering = plugins.filter(({ spec }) => offers(spec.provides, id))
    return offering.find(({ name }) => name === prefer[id]) ?? offering[0]
  })
  if (chosen.includes(undefined)) throw new UserError('The configuration has no plugin that keeps mail.')
  const wrapping = plugins.filter(({ spec }) => offers(spec.wraps, engine.id) || offers(spec.wraps, blobStore.id))
  return [...new Set([...(chosen as ConfiguredPlugin[]), ...wrapping])]
}

function offers(services: Record<string, unknown> | undefined, id: string): boolean {
  return Object.values(services ?? {}).some((ref) => (ref as ServiceRef<unknown>).id === id)
}
