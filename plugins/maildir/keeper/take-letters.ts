import { added, flagsOf } from '../names/flag-letters.ts'
import type { Estate } from './estate.ts'
import type { Folder } from './folder.ts'

/** Letters of a name before and after another program has changed it. */
export interface LetterChange {
  readonly last: string
  readonly next: string
}

/** Sets in the store what has changed, and only that: what a session does in the same moment stays. */
export async function takeLetters(
  estate: Estate,
  folder: Folder,
  uids: readonly number[],
  { last, next }: LetterChange,
): Promise<void> {
  const { store } = estate.parts.mirrored
  const keywords = await folder.keywords.read()
  const sorted = [...uids].sort((a, b) => a - b)
  const gained = flagsOf(added(last, next), keywords)
  const gone = flagsOf(added(next, last), keywords)
  if (gained.length > 0) await store.setFlags(estate.account, folder.mailbox, sorted, { mode: 'add', flags: gained })
  if (gone.length > 0) await store.setFlags(estate.account, folder.mailbox, sorted, { mode: 'remove', flags: gone })
}
