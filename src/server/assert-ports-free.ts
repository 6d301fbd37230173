import { validOptions } from '../kernel/host.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import { assertFree } from '../net/bind.ts'
import { parseEndpoint } from '../net/endpoint.ts'

/**
 * Sees that no other process has a port that a plugin wants to listen on. Workers share their ports with `reusePort`,
 * and another server of the same user would join them without a word.
 * @param ours endpoints that we listen on already: at a reload they are taken over
 * @returns the endpoints of all plugins. @throws UserError that names the endpoint and what to do
 */
export async function assertPortsFree(
  plugins: readonly ConfiguredPlugin[],
  ours: ReadonlySet<string> = new Set(),
): Promise<ReadonlySet<string>> {
  const all = new Set<string>()
  for (const plugin of plugins) {
    const { listen } = ((await validOptions(plugin)) ?? {}) as { listen?: unknown }
    for (const endpoint of [listen].flat()) if (typeof endpoint === 'string') all.add(endpoint)
  }
  for (const endpoint of all) if (!ours.has(endpoint)) await assertFree(parseEndpoint(endpoint))
  return all
}
