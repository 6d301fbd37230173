import { UserError } from '../errors/user-error.ts'
import { validOptions } from '../kernel/host.ts'
import type { ConfiguredPlugin } from '../kernel/plugin.ts'
import { assertFree } from '../net/bind.ts'
import { formatEndpoint, parseEndpoint } from '../net/endpoint.ts'

interface Listener {
  readonly plugin: string
  readonly endpoint: string
}

/**
 * Sees that no port is listened on twice: by two plugins, by one with TLS and without, or by another process. Workers
 * share their ports with `reusePort`, so nothing else would object, and each connection would meet one of the two.
 * @param ours endpoints that we listen on already: at a reload they are taken over
 * @returns the endpoints of all plugins. @throws UserError that names the endpoint and what to do
 */
export async function assertPortsFree(
  plugins: readonly ConfiguredPlugin[],
  ours: ReadonlySet<string> = new Set(),
): Promise<ReadonlySet<string>> {
  const byPlace = new Map<string, Listener>()
  let anyPorts = 0
  for (const plugin of plugins) {
    const { listen } = ((await validOptions(plugin)) ?? {}) as { listen?: unknown }
    for (const endpoint of [listen].flat()) {
      if (typeof endpoint !== 'string') continue
      const place = placeOf(endpoint) ?? `any ${++anyPorts}`
      const other = byPlace.get(place)
      const listener = { plugin: plugin.name, endpoint }
      if (other !== undefined) throw listenedOnTwice(place, other, listener)
      byPlace.set(place, listener)
    }
  }
  const all = new Set(Array.from(byPlace.values(), ({ endpoint }) => endpoint))
  for (const endpoint of all) if (!ours.has(endpoint)) await assertFree(parseEndpoint(endpoint))
  return all
}

/** Where it listens, with TLS or without; undefined for any free port, which is another one each time. */
function placeOf(endpoint: string): string | undefined {
  const parsed = parseEndpoint(endpoint)
  if (parsed.kind === 'tcp' && parsed.port === 0) return undefined
  return formatEndpoint({ ...parsed, tls: false })
}

function listenedOnTwice(place: string, first: Listener, second: Listener): UserError {
  return new UserError(
    `${place} is listened on twice: by ${first.plugin} (${first.endpoint}) and by ${second.plugin} (${second.endpoint}).`,
    { nextSteps: ['Give each a port of its own in the config.'] },
  )
}
