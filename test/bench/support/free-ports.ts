import { freePort } from '../../support/peer.ts'

/** A free port for each name. */
export async function freePorts<K extends string>(...names: readonly K[]): Promise<Record<K, number>> {
  const pairs: [string, number][] = []
  for (const name of names) pairs.push([name, await freePort()])
  return Object.fromEntries(pairs) as Record<K, number>
}
