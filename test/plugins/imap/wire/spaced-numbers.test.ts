import { expect, it } from 'vitest'
import { spacedNumbers } from '../../../../plugins/imap/wire/spaced-numbers.ts'

it('writes numbers of every length as text has them', () => {
  const numbers = [0, 1, 9, 10, 11, 99, 100, 101, 65_535, 999_999, 1_000_000, 2_147_483_648, 4_294_967_295, 7]
  expect(spacedNumbers(numbers).toString()).toBe(numbers.map((number) => ` ${number}`).join(''))
  expect(spacedNumbers([]).length).toBe(0)
})
