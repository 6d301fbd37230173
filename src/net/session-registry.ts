import { LiveSet } from '../kernel/live-set.ts'
import type { SessionInfo, Sessions } from './listeners.ts'

/** The sessions of this worker. */
export function sessionRegistry(): Sessions {
  const all = new LiveSet<() => SessionInfo>()
  return {
    add: (describe) => all.add(describe),
    list: () => Array.from(all, (describe) => describe()),
  }
}
