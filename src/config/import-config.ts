import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Marks a URL as belonging to one evaluation of a config. */
const GENERATION = 'mailserver-generation'

let generations = 0
let isHooked = false

/**
 * Evaluates a config file anew, with every file that it imports by a relative path: a module cache would hand out
 * yesterday's config at a reload. Packages keep their one instance.
 * @returns what the file exports as default
 */
export async function importConfig(file: string): Promise<unknown> {
  if (!isHooked) registerHooks({ resolve: inheritGeneration })
  isHooked = true
  const url = pathToFileURL(file)
  url.searchParams.set(GENERATION, String(++generations))
  const module = (await import(url.href)) as { default?: unknown }
  return module.default
}

type ResolveHook = NonNullable<Parameters<typeof registerHooks>[0]['resolve']>

const inheritGeneration: ResolveHook = (specifier, context, nextResolve) => {
  const resolved = nextResolve(specifier, context)
  if (!specifier.startsWith('.') || context.parentURL?.includes(GENERATION) !== true) return resolved
  const generation = new URL(context.parentURL).searchParams.get(GENERATION)
  if (generation === null || !resolved.url.startsWith('file:')) return resolved
  const url = new URL(resolved.url)
  url.searchParams.set(GENERATION, generation)
  return { ...resolved, url: url.href }
}
