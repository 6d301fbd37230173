import type { ResolvedConfig } from '../config/resolved-config.ts'
import { ConfigError } from '../errors/config-error.ts'
import { planPlugins } from '../kernel/plugin-graph.ts'
import { allPlugins } from './load-core.ts'

/**
 * Boots a configuration through the graph stage: do the plugins fit together?
 * @returns their names in the order they would start. @throws ConfigError that names the file
 */
export async function checkGraph(config: ResolvedConfig, core?: string): Promise<readonly string[]> {
  const plugins = await allPlugins(config, core)
  try {
    return planPlugins(plugins, config.prefer).order.map(({ name }) => name)
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(error.problems, { file: config.file, cause: error }) : error
  }
}
