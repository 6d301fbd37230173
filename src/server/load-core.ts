import type { ResolvedConfig } from '../config/resolved-config.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'

interface CoreModule {
  corePlugins(config: ResolvedConfig): ConfiguredPlugin[]
}

/**
 * All plugins of a server: the rooms of the core first, then those of the config.
 * @param core URL of a module that exports `corePlugins`; tests put fewer rooms there
 */
export async function allPlugins(config: ResolvedConfig, core?: string): Promise<readonly ConfiguredPlugin[]> {
  const module: CoreModule = core === undefined ? await import('./core-plugins.ts') : await import(core)
  return [...module.corePlugins(config), ...config.plugins]
}
