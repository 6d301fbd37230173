import type { Session } from '../session.ts'
import type { Relevancies } from './relevancy.ts'

/** What is searched, and with what: a session and its selected mailbox, or another mailbox in its place. */
export type SearchScope = Pick<Session, 'services' | 'signal' | 'clock' | 'log' | 'saved' | 'selected'>

export interface SearchOptions {
  /** Rising positions, of which alone messages are looked at; all when absent. */
  readonly within?: readonly number[] | undefined
  /** Takes how relevant each message is that is found; nobody asks when absent. */
  readonly relevancies?: Relevancies | undefined
  /** Told now and then how many messages are behind. */
  readonly onProgress?: ((done: number) => void) | undefined
}
