import semver from 'semver'
import { ConfigError, type ConfigProblem } from '../errors/config-error.ts'
import { API_VERSION, type ConfiguredPlugin } from './plugin.ts'
import type { ServiceRef } from './service.ts'

type AnyRef = ServiceRef<unknown>

/** The plugins in the order they are set up and started: a provider before all that need it, config order otherwise. */
export interface PluginGraph {
  readonly order: readonly ConfiguredPlugin[]
  /** Service id to the plugin that provides it. */
  readonly providers: ReadonlyMap<string, ConfiguredPlugin>
}

/**
 * Sorts plugins by what they need and provide, before any of them runs.
 * @param prefer service id to plugin name, where the config chooses between two providers
 * @throws ConfigError naming every wrong API version, doubled name, missing or doubled provider, and cycle
 */
export function planPlugins(
  plugins: readonly ConfiguredPlugin[],
  prefer: Readonly<Record<string, string>> = {},
): PluginGraph {
  const problems: ConfigProblem[] = []
  const where = (plugin: ConfiguredPlugin) => `plugins[${plugins.indexOf(plugin)}] ${plugin.name}`

  const byName = new Map<string, ConfiguredPlugin>()
  for (const plugin of plugins) {
    if (!semver.satisfies(API_VERSION, plugin.spec.apiVersion)) {
      const message = `is written for plugin API ${plugin.spec.apiVersion}, this is ${API_VERSION}; update one of the two`
      problems.push({ path: where(plugin), message })
    }
    if (byName.has(plugin.name)) {
      problems.push({ path: where(plugin), message: `there are two plugins of the name ${plugin.name}; remove one` })
    }
    byName.set(plugin.name, plugin)
  }

  const providers = new Map<string, ConfiguredPlugin>()
  for (const plugin of plugins) {
    for (const ref of refs(plugin.spec.provides)) {
      const other = providers.get(ref.id)
      const preferred = prefer[ref.id]
      if (other === undefined || preferred === plugin.name) providers.set(ref.id, plugin)
      else if (preferred !== other.name) {
        const choice = `provide: { '${ref.id}': '${plugin.name}' }`
        problems.push({
          path: where(plugin),
          message: `${other.name} provides ${ref.id} as well; choose with ${choice}`,
        })
      }
    }
  }
  for (const plugin of plugins) {
    for (const ref of [...refs(plugin.spec.needs), ...refs(plugin.spec.wraps)]) {
      if (ref.isOptional || providers.has(ref.id)) continue
      problems.push({ path: where(plugin), message: `needs ${ref.id}, and no plugin provides it; add one that does` })
    }
  }

  const wrappers = new Map<string, ConfiguredPlugin[]>()
  for (const plugin of plugins) {
    for (const { id } of refs(plugin.spec.wraps)) wrappers.set(id, [...(wrappers.get(id) ?? []), plugin])
  }

  const order: ConfiguredPlugin[] = []
  const state = new Map<ConfiguredPlugin, 'visiting' | 'done'>()
  const visit = (plugin: ConfiguredPlugin, path: readonly string[]): void => {
    if (state.get(plugin) === 'done') return
    if (state.get(plugin) === 'visiting') {
      const circle = [...path.slice(path.indexOf(plugin.name)), plugin.name].join(' -> ')
      problems.push({ path: where(plugin), message: `plugins need each other in a circle: ${circle}` })
      return
    }
    state.set(plugin, 'visiting')
    const before = (found: ConfiguredPlugin | undefined) => found && visit(found, [...path, plugin.name])
    for (const { id } of refs(plugin.spec.needs)) {
      before(providers.get(id))
      for (const wrapper of wrappers.get(id) ?? []) before(wrapper)
    }
    for (const { id } of refs(plugin.spec.wraps)) {
      before(providers.get(id))
      const all = wrappers.get(id) ?? []
      for (const earlier of all.slice(0, all.indexOf(plugin))) before(earlier)
    }
    state.set(plugin, 'done')
    order.push(plugin)
  }
  for (const plugin of plugins) visit(plugin, [])

  if (problems.length > 0) throw new ConfigError(problems)
  return { order, providers }
}

/** The plugins that the named services need, themselves included: what a command opens when no server runs. */
export function subsetFor(plugins: readonly ConfiguredPlugin[], services: readonly AnyRef[]): ConfiguredPlugin[] {
  const wanted = new Set<ConfiguredPlugin>()
  const add = (ref: AnyRef): void => {
    for (const plugin of plugins) {
      const offered = [...refs(plugin.spec.provides), ...refs(plugin.spec.wraps)]
      if (wanted.has(plugin) || !offered.some(({ id }) => id === ref.id)) continue
      wanted.add(plugin)
      for (const need of [...refs(plugin.spec.needs), ...refs(plugin.spec.wraps)]) add(need)
    }
  }
  for (const ref of services) add(ref)
  return plugins.filter((plugin) => wanted.has(plugin))
}

function refs(declared: Readonly<Record<string, AnyRef>> | undefined): readonly AnyRef[] {
  return Object.values(declared ?? {})
}
