import type { SearchKey } from '../wire/search-keys.ts'

export type LeafKey = Exclude<SearchKey, { kind: 'all' | 'and' | 'or' | 'not' | 'fuzzy' }>

/** What is known of a message about one condition; undefined when it is not known yet. */
export type Leaf = (key: LeafKey) => boolean | undefined

/** Is the condition met? undefined when that hangs on what is not known yet. */
export function evaluate(key: SearchKey, leaf: Leaf): boolean | undefined {
  switch (key.kind) {
    case 'all':
      return true
    case 'not': {
      const value = evaluate(key.key, leaf)
      return value === undefined ? undefined : !value
    }
    case 'fuzzy':
      return evaluate(key.key, leaf)
    case 'and':
      return combine(key.keys, leaf, false)
    case 'or':
      return combine(key.keys, leaf, true)
    default:
      return leaf(key)
  }
}

/** One key with the value `decisive` decides; without one, all must be known. */
function combine(keys: readonly SearchKey[], leaf: Leaf, decisive: boolean): boolean | undefined {
  let isKnown = true
  for (const key of keys) {
    const value = evaluate(key, leaf)
    if (value === decisive) return decisive
    isKnown &&= value !== undefined
  }
  return isKnown ? !decisive : undefined
}

/** Every condition that stands in the key. */
export function leavesOf(key: SearchKey): readonly LeafKey[] {
  switch (key.kind) {
    case 'all':
      return []
    case 'not':
    case 'fuzzy':
      return leavesOf(key.key)
    case 'and':
    case 'or':
      return key.keys.flatMap(leavesOf)
    default:
      return [key]
  }
}
