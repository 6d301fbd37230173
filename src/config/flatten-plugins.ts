import type { ConfigProblem } from '../errors/config-error.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import type { PluginEntry } from './config.ts'
import { showValue } from './show-value.ts'

/** A plugin and where in the config it stands, e.g. `plugins[2][0]`. */
export interface PlacedPlugin {
  readonly plugin: ConfiguredPlugin
  readonly place: string
}

/** The plugins of a config in order: falsy entries left out, groups opened. What is no plugin is a problem. */
export function flattenPlugins(
  entries: readonly PluginEntry[],
  place = 'plugins',
): { readonly plugins: readonly PlacedPlugin[]; readonly problems: readonly ConfigProblem[] } {
  const plugins: PlacedPlugin[] = []
  const problems: ConfigProblem[] = []
  for (const [at, entry] of entries.entries()) {
    const here = `${place}[${at}]`
    if (!entry) continue
    if (Array.isArray(entry)) {
      const inner = flattenPlugins(entry, here)
      plugins.push(...inner.plugins)
      problems.push(...inner.problems)
    } else if (isPlugin(entry)) {
      plugins.push({ plugin: entry, place: here })
    } else {
      problems.push({ path: here, message: `expected a plugin such as smtp(), got ${wrongEntry(entry)}` })
    }
  }
  return { plugins, problems }
}

function isPlugin(entry: unknown): entry is ConfiguredPlugin {
  const { name, spec } = entry as Partial<ConfiguredPlugin>
  return typeof name === 'string' && typeof spec?.setup === 'function' && typeof spec.options === 'object'
}

function wrongEntry(entry: unknown): string {
  if (typeof entry === 'function') return `${showValue(entry)}: call it`
  if (entry instanceof Promise) return 'a promise: await it'
  return showValue(entry)
}
