import { describe, expect, it } from 'vitest'
import { editDistance } from '../../../../plugins/imap/search/fuzzy/edit-distance.ts'
import { foldLetters } from '../../../../plugins/imap/search/fuzzy/fold-letters.ts'
import { fuzzyPattern } from '../../../../plugins/imap/search/fuzzy/fuzzy-pattern.ts'
import { FuzzySearch, fuzzyScore } from '../../../../plugins/imap/search/fuzzy/fuzzy-search.ts'
import { likeness } from '../../../../plugins/imap/search/fuzzy/word-likeness.ts'
import { random } from '../support/told.ts'

const score = (pattern: string, text: string) => fuzzyScore(fuzzyPattern({ text: pattern }), text)

/** The textbook form, without a bound. */
function slowDistance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  const at = (i: number, j: number) => (rows[i] as number[])[j] as number
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1)
      ;(rows[i] as number[])[j] = cost
    }
  }
  return at(a.length, b.length)
}

it('counts the same letters wrong as the textbook does, up to the bound', () => {
  const below = random(7)
  const word = () => Array.from({ length: below(9) }, () => 'abc'.charAt(below(3))).join('')
  for (let round = 0; round < 3000; round++) {
    const [a, b, most] = [word(), word(), below(4)]
    expect(editDistance(a, b, most), `${a} ${b} ${most}`).toBe(Math.min(slowDistance(a, b), most + 1))
  }
})

it('writes letters without case and marks', () => {
  expect(foldLetters('Élan STRAẞE Ærø ŁÓDŹ ſ ﬁ')).toBe('elan strasse aero lodz s fi')
})

describe('words', () => {
  it.each([
    ['helo', 'hello'],
    ['helo', 'help'],
    ['helo', 'heol'],
    ['search', 'searching'],
    ['searching', 'searches'],
    ['connections', 'connected'],
    ['recieve', 'receive'],
    ['adress', 'address'],
    ['art', 'party'],
  ])('%s is like %s', (wanted, word) => {
    expect(likeness(wanted, word)).toBeGreaterThan(0)
    expect(likeness(wanted, word)).toBeLessThan(1)
  })

  it.each([
    ['cat', 'car'],
    ['internet', 'international'],
    ['helo', 'world'],
    ['break', 'crumbs'],
    [`${'x'.repeat(60)}a`, `${'x'.repeat(60)}b`],
  ])('%s is not like %s', (wanted, word) => {
    expect(likeness(wanted, word)).toBe(0)
  })
})

describe('texts', () => {
  it('ranks the words side by side before all words, those before like ones, and these before nothing', () => {
    const scores = [
      score('imap break', 'Does IMAP break here?'),
      score('imap break', 'A break in IMAP'),
      score('imap break', 'IMAP is breaking'),
      score('imap break', 'IMAP brake'),
    ]
    expect(scores[0]).toBe(100)
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    expect(new Set(scores).size).toBe(4)
    expect(score('imap break', 'SMTP works')).toBe(0)
    expect(score('imap break', 'IMAP works')).toBe(0)
  })

  it('wants two of three words', () => {
    expect(score('annual sales report', 'Sales report')).toBeGreaterThan(0)
    expect(score('annual sales report', 'Report of the weather')).toBe(0)
  })

  it('finds whatever an exact search finds, letters or not', () => {
    const texts = ['a-b c*d', '... ***', 'Grüße an José', 'party', '東京都庁', 'x'.repeat(400)]
    const below = random(3)
    for (const text of texts) {
      for (let round = 0; round < 100; round++) {
        const from = below(text.length)
        const part = text.slice(from, from + 1 + below(text.length - from))
        expect(score(part.toUpperCase(), text), `${part} in ${text}`).toBeGreaterThan(0)
      }
    }
    expect(score('都庁', '東京都庁')).toBeGreaterThan(50)
    expect(score('gruesse', 'Grüße')).toBeGreaterThan(0)
    expect(score('gruse', 'Grüße')).toBeGreaterThan(0)
  })

  it('sees a text the same however it is cut into pieces', () => {
    const text = 'The quick brown fox jumps over the lazy dog, and José counts éléments.'
    for (const pattern of ['brown fox', 'elements', 'lasy', 'quikc jumps', 'zy do']) {
      const whole = score(pattern, text)
      expect(whole).toBeGreaterThan(0)
      for (let size = 1; size < 12; size++) {
        const search = new FuzzySearch(fuzzyPattern({ text: pattern }))
        for (let at = 0; at < text.length; at += size) search.push(text.slice(at, at + size))
        search.cut()
        expect(search.score, `${pattern} by ${size}`).toBe(whole)
      }
    }
    const cut = new FuzzySearch(fuzzyPattern({ text: 'brown fox' }))
    for (const part of ['bro', 'wn fox']) {
      cut.push(part)
      cut.cut()
    }
    expect(cut.score).toBe(0)
  })

  it('stays quick with long words, long patterns and texts without end', () => {
    const below = random(11)
    const letters = Array.from({ length: 3_000_000 }, () => 'abcdefgh '.charAt(below(9))).join('')
    const pattern = Array.from({ length: 200 }, () => letters.slice(below(1000), 1000 + below(40))).join(' ')
    const before = process.cpuUsage()
    score(pattern, letters)
    score('abcdefgh'.repeat(500), 'x'.repeat(3_000_000))
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000_000).toBeLessThan(10)
  })
})
