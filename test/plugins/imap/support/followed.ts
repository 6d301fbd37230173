import { expect } from 'vitest'

/** What a client knows of the results of one search, by the rules of RFC 5267 alone. */
export interface Followed {
  readonly tag: string
  readonly isUid: boolean
  /** Message numbers or UIDs, as the search was. */
  results: number[]
}

const RESPONSE = /^\* ESEARCH \(TAG "([^"]+)"[^)]*\)( UID)? ((?:REMOVEFROM|ADDTO) .*)$/
const CHANGE = /(REMOVEFROM|ADDTO) \(([^)]*)\)/g

/** The numbers of a set, in its order. */
export function numbersOf(set: string): number[] {
  return set.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split(':').map(Number)
    expect(to, set).toBeGreaterThanOrEqual(from)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })
}

/** Takes over a line; a rule that it breaks fails the test. */
export function follow(all: readonly Followed[], line: string): void {
  const expunged = /^\* (\d+) EXPUNGE$/.exec(line)
  if (expunged !== null) {
    const gone = Number(expunged[1])
    for (const context of all) {
      if (context.isUid) continue
      // Section 4.3.4: it had to be removed before.
      expect(context.results, line).not.toContain(gone)
      context.results = context.results.map((number) => (number > gone ? number - 1 : number))
    }
    return
  }
  const [, tag, uid, changes] = RESPONSE.exec(line) ?? []
  const context = all.find((one) => one.tag === tag)
  if (context === undefined || changes === undefined) return
  expect(uid !== undefined, line).toBe(context.isUid)
  for (const [, kind, payload = ''] of changes.matchAll(CHANGE)) {
    const words = payload.split(' ')
    for (let at = 0; at < words.length; at += 2) {
      const position = Number(words[at])
      const numbers = numbersOf(words[at + 1] as string)
      if (kind === 'ADDTO') add(context, position, numbers, line)
      else remove(context, position, numbers, line)
    }
  }
}

function add({ results }: Followed, position: number, numbers: readonly number[], line: string): void {
  for (const number of numbers) expect(results, line).not.toContain(number)
  expect(position, line).toBeLessThanOrEqual(results.length + 1)
  if (position > 0) results.splice(position - 1, 0, ...numbers)
  else {
    results.push(...numbers)
    results.sort((a, b) => a - b)
  }
}

function remove(context: Followed, position: number, numbers: readonly number[], line: string): void {
  for (const number of numbers) expect(context.results, line).toContain(number)
  if (position > 0) {
    expect(context.results.slice(position - 1, position - 1 + numbers.length), line).toEqual(numbers)
    context.results.splice(position - 1, numbers.length)
  } else context.results = context.results.filter((number) => !numbers.includes(number))
}
