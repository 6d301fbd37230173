import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SearchKey } from '../wire/search-keys.ts'
import { evaluate, type Leaf } from './evaluate.ts'
import { IndexedTexts } from './indexed-texts.ts'
import { NO_SCORES } from './relevancy.ts'
import { SearchReading } from './search-reading.ts'
import type { SearchOptions, SearchScope } from './search-scope.ts'
import { type Place, StateLeaf } from './state-leaf.ts'

/** Messages that are looked at before others get their turn. */
const STATE_BATCH = 5000
/** Candidates that are held at a time: a hostile message's index may have many kilobytes. */
const INDEX_BATCH = 2000

/**
 * Positions of the messages that meet the condition, in rising order. What the view knows is asked first and what an
 * earlier search has read, then a search index if there is one; only where that does not decide is the message's own
 * index read, then the header, then the text. Ends when the client leaves.
 */
export async function searchMailbox(
  session: SearchScope,
  key: SearchKey,
  { within, relevancies, onProgress }: SearchOptions = {},
): Promise<number[]> {
  const view = session.selected
  const state = new StateLeaf(view, session.saved, session.clock.now())
  const count = within?.length ?? view.count
  const found: number[] = []
  const take = (position: number) => {
    found.push(position)
    relevancies?.take(position, NO_SCORES)
  }
  let open: Place[] = []
  const { folded } = view.mirror
  folded.used()
  for (let at = 0; at < count; at++) {
    const position = within === undefined ? at : (within[at] as number)
    const row = view.rowAt(position)
    if (row !== -1) {
      const place = { position, row }
      const leaf: Leaf = (one) => state.answer(one, place) ?? folded.answer(one, view.uidAt(position))
      const value = relevancies === undefined ? evaluate(key, leaf) : relevancies.decide(leaf)
      if (value === undefined) open.push(place)
      else if (value) take(position)
    }
    if (at % STATE_BATCH === STATE_BATCH - 1) await nextTurn()
  }
  if (open.length === 0) return found
  const texts = await IndexedTexts.ask(session, key)
  if (texts !== undefined) {
    open = open.filter(({ position }) => {
      // The mirror has gone on while the index was asked.
      const row = view.rowAt(position)
      if (row === -1) return false
      const uid = view.uidAt(position)
      const leaf: Leaf = (one) => state.answer(one, { position, row }) ?? texts.answer(one, uid)
      const value = relevancies === undefined ? evaluate(key, leaf) : relevancies.decide(leaf)
      if (value === true) take(position)
      return value === undefined
    })
  }
  const reading = new SearchReading(session, key, { texts, relevancies, onProgress })
  for (let from = 0; from < open.length; from += INDEX_BATCH) {
    session.signal.throwIfAborted()
    const done = count - open.length + from
    onProgress?.(done)
    for (const position of await reading.batch(open.slice(from, from + INDEX_BATCH), done)) found.push(position)
    await nextTurn()
  }
  return found.sort((a, b) => a - b)
}
