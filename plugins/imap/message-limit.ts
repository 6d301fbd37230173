import type { Completion } from './completion.ts'
import type { Session } from './session.ts'

/** What of the messages a command may work on, the newest first (RFC 9738 section 3.1). */
export interface Limited<T> {
  readonly positions: T
  /** Response code that says how far it came; undefined when it came to the end. */
  readonly code: string | undefined
}

/** More messages than one command may work on, and a part of them would be no answer (RFC 9738 section 3.3). */
export class TooManyMessages extends Error {
  override readonly name = 'TooManyMessages'
  readonly limit: number

  constructor(limit: number) {
    super('Too many messages for one command')
    this.limit = limit
  }
}

/** The positions with the highest UIDs, as many as one command may work on. @param positions rising */
export function limitMessages<T extends Uint32Array | readonly number[]>(
  { messageLimit, selected: view }: Pick<Session, 'messageLimit' | 'selected'>,
  positions: T,
): Limited<T> {
  if (positions.length <= messageLimit) return { positions, code: undefined }
  const kept = positions.slice(positions.length - messageLimit) as T
  return { positions: kept, code: `MESSAGELIMIT ${messageLimit} ${view.uidAt(kept[0] as number)}` }
}

/**
 * Says with the completion how far the command came. One code has room there: beside another this one is told in an
 * untagged NO (RFC 9738 section 3.1).
 */
export function completeLimited({ out }: Session, completion: Completion, code: string | undefined): Completion {
  if (code === undefined) return completion
  if (completion.code === undefined) return { ...completion, code }
  out.untagged(`NO [${code}] Not all of the messages`)
  return completion
}
