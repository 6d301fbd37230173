import type { SessionInfo, Sessions } from './listeners.ts'

/** The sessions of this worker. */
export function sessionRegistry(): Sessions {
  const byId = new Map<string, () => SessionInfo>()
  return {
    add(id, describe) {
      byId.set(id, describe)
      return () => {
        if (byId.get(id) === describe) byId.delete(id)
      }
    },
    list: () => Array.from(byId.values(), (describe) => describe()),
  }
}
