import type { Session } from './session.ts'

/** What of the messages a command may work on, the newest first (RFC 9738 section 3.1). */
export interface Limited<T> {
  readonly positions: T
  /** Response code that says how far it came; undefined when it came to the end. */
  readonly code: string | undefined
}

/** The positions with the highest UIDs, as many as one command may work on. @param positions rising */
export function limitMessages<T extends Uint32Array | readonly number[]>(session: Session, positions: T): Limited<T> {
  const { messageLimit, selected: view } = session
  if (positions.length <= messageLimit) return { positions, code: undefined }
  const kept = positions.slice(positions.length - messageLimit) as T
  return { positions: kept, code: `MESSAGELIMIT ${messageLimit} ${view.uidAt(kept[0] as number)}` }
}
