import { describe, expect, test } from 'vitest'
import { parseFlags } from '../../src/store/records/flags.ts'
import { PAGE_UIDS, pageOf, StatePage, type StateRecord } from '../../src/store/records/state-page.ts'

const corrupt = expect.objectContaining({ code: 'CORRUPT' })
const NUMBER = 134_217_727

const state = (flags: readonly string[], modSeq: bigint): StateRecord => ({
  ...parseFlags(flags),
  modSeq,
  internalDate: -1.5,
  size: 2 ** 40,
})

/** A page with every third UID. */
function page(): StatePage {
  const made = StatePage.empty(NUMBER)
  for (let at = 0; at < PAGE_UIDS; at += 3) {
    made.add(NUMBER * PAGE_UIDS + at, state(at % 2 ? ['\\Draft', '$Junk', 'a'] : [], 2n ** 62n + BigInt(at)))
  }
  return made
}

const rows = (of: StatePage) => Array.from({ length: of.count }, (_, row) => of.stateAt(row))

describe('a page of states', () => {
  test('comes back as it went in', () => {
    const made = page()
    const read = StatePage.decode(NUMBER, made.encode())
    expect(rows(read)).toStrictEqual(rows(made))
    const last = NUMBER * PAGE_UIDS + 30
    expect(pageOf(last)).toBe(NUMBER)
    expect(read.stateAt(read.find(last)).modSeq).toBe(2n ** 62n + 30n)
    expect(read.recordAt(1)).toStrictEqual(state(['\\Draft', '$Junk', 'a'], 2n ** 62n + 3n))
    expect(read.find(last + 1)).toBe(-1)
    expect(read.find(last - 1)).toBe(-1)
  })

  test('changes flags without touching the rest, and keeps no set of keywords that no message has', () => {
    const made = page()
    const before = rows(made)
    made.setFlags(1, parseFlags(['\\Seen']), 9n)
    expect(made.stateAt(1)).toStrictEqual({ ...before[1], flags: ['\\Seen'], modSeq: 9n })
    expect(rows(made).toSpliced(1, 1)).toStrictEqual(before.toSpliced(1, 1))
    const withKeywords = made.encode().length
    for (let row = 0; row < made.count; row++) made.setFlags(row, parseFlags([]), 10n)
    expect(withKeywords - made.encode().length).toBe(2 + '$Junk a'.length)
  })

  test('takes a new set of keywords for each message as often as it changes', () => {
    const made = page()
    for (let turn = 0; turn < 1000; turn++) {
      made.setFlags(turn % made.count, parseFlags([`k${turn}`]), BigInt(turn))
    }
    const flags = rows(StatePage.decode(NUMBER, made.encode())).map((one) => one.flags[0])
    expect(flags).toHaveLength(made.count)
    expect(new Set(flags)).toEqual(new Set(Array.from({ length: made.count }, (_, at) => `k${999 - at}`)))
  })

  test('lets messages go', () => {
    const made = page()
    const before = rows(made)
    made.remove(2)
    made.remove(0)
    expect(rows(StatePage.decode(NUMBER, made.encode()))).toStrictEqual([before[1], ...before.slice(3)])
    while (made.count > 0) made.remove(0)
    expect(StatePage.decode(NUMBER, made.encode()).count).toBe(0)
  })

  test('is corrupt, and not something else, when it is cut, longer, or not in order', () => {
    const bytes = page().encode()
    for (let end = 0; end < bytes.length; end++) {
      expect(() => StatePage.decode(NUMBER, bytes.subarray(0, end)), `cut at ${end}`).toThrow(corrupt)
    }
    const damaged = (at: number, value: number) => {
      const copy = Buffer.from(bytes)
      copy[at] = value
      return copy
    }
    const bad = [
      Buffer.concat([bytes, Buffer.alloc(1)]),
      damaged(0, 99),
      damaged(1, PAGE_UIDS + 1),
      damaged(2, 0),
      // A UID twice, one that is not of the page, and a set of keywords that is not there.
      damaged(3 + 25, 0),
      damaged(3 + 25 * 10, PAGE_UIDS),
      damaged(3 + 2, 2),
    ]
    for (const one of bad) expect(() => StatePage.decode(NUMBER, one)).toThrow(corrupt)
  })
})
