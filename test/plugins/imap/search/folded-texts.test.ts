import { expect, it } from 'vitest'
import { CacheBudget } from '../../../../plugins/imap/kept/cache-budget.ts'
import { FoldedTexts } from '../../../../plugins/imap/search/folded-texts.ts'

const subject = (text: string) => ({ kind: 'envelope', field: 'subject', text }) as const

it('answers what it knows, and nothing else', () => {
  const texts = new FoldedTexts(new CacheBudget(1e9))
  texts.add('subject', 1, 'a word of news')
  texts.add('subject', 2, undefined)
  expect(texts.answer(subject('News'), 1)).toBe(true)
  expect(texts.answer(subject('old'), 1)).toBe(false)
  expect(texts.answer(subject(''), 1)).toBe(true)
  expect(texts.answer(subject(''), 2), 'there is no such field').toBe(false)
  expect(texts.answer(subject('news'), 3)).toBeUndefined()
  expect(texts.answer({ kind: 'envelope', field: 'from', text: 'news' }, 1)).toBeUndefined()
  expect(texts.answer({ kind: 'text', text: 'news' }, 1)).toBeUndefined()
  expect(texts.answer({ ...subject('news'), isFuzzy: true }, 1), 'how well is told as well').toBeUndefined()
})

it('gives way to the mailbox that is searched now, the one that was searched longest ago first', () => {
  const budget = new CacheBudget(300)
  const [one, two, three] = [new FoldedTexts(budget), new FoldedTexts(budget), new FoldedTexts(budget)]
  one.add('subject', 1, 'x'.repeat(36))
  two.add('subject', 1, 'x'.repeat(36))
  one.used()
  three.add('subject', 1, 'x'.repeat(136))
  expect([one, two, three].map((texts) => texts.answer(subject('x'), 1))).toEqual([true, undefined, true])
})

it('keeps no more than its budget of one mailbox, and has all of it back when that is left', () => {
  const budget = new CacheBudget(300)
  const one = new FoldedTexts(budget)
  for (const uid of [1, 2, 3, 3, 3, 4]) one.add('subject', uid, 'x'.repeat(36))
  expect([1, 2, 3, 4].map((uid) => one.answer(subject('x'), uid))).toEqual([true, true, true, undefined])
  one.clear()
  expect(one.answer(subject('x'), 1)).toBeUndefined()
  const other = new FoldedTexts(budget)
  other.add('subject', 1, 'x'.repeat(236))
  expect(other.answer(subject('x'), 1)).toBe(true)
})
