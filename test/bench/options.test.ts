import { expect, it } from 'vitest'
import { parseOptions } from './options.ts'

it('runs three times without being told, once when it shall be quick', () => {
  expect(parseOptions([])).toMatchObject({ runs: 3, sides: 'both', scale: [1, 10, 100], scenarios: [], build: true })
  expect(parseOptions(['--quick'])).toMatchObject({ runs: 1, isQuick: true })
  expect(parseOptions(['--quick', '--runs', '2']).runs).toBe(2)
  expect(parseOptions(['--scenario', 'a,b/c', '--no-build'])).toMatchObject({ scenarios: ['a', 'b/c'], build: false })
})

it('refuses what it does not understand', () => {
  expect(() => parseOptions(['--runs', '0'])).toThrow('--runs')
  expect(() => parseOptions(['--scale', '1,x'])).toThrow("'x'")
  expect(() => parseOptions(['--fast'])).toThrow('--fast')
  expect(() => parseOptions(['--sut-only', '--peers-only'])).toThrow('exclude')
})
