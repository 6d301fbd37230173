import { expect, it } from 'vitest'
import { hashOf, KeyMap } from '../../../plugins/level/engine/key-map.ts'

const bytes = (text: string) => Buffer.from(text)

it('finds a value by the octets of its key, whichever buffer they are in', () => {
  const map = new KeyMap<number>()
  for (let at = 0; at < 10_000; at++) map.set(bytes(`key ${at}`), hashOf(bytes(`key ${at}`)), at)
  map.set(bytes('key 7'), hashOf(bytes('key 7')), 70)
  expect(map.size).toBe(10_000)
  expect(map.get(bytes('key 7'), hashOf(bytes('key 7')))).toBe(70)
  expect(map.get(bytes('key 9999'), hashOf(bytes('key 9999')))).toBe(9_999)
  expect(map.get(bytes('key'), hashOf(bytes('key')))).toBe(undefined)
})

it('keeps keys apart that have the same hash', () => {
  const map = new KeyMap<string>()
  const names = ['one', 'two', 'six', 'ten']
  for (const name of names) map.set(bytes(name), 1, name)
  expect(map.size).toBe(4)
  expect(names.map((name) => map.get(bytes(name), 1))).toEqual(names)
  expect(map.values().toSorted()).toEqual(names.toSorted())

  // The one in the middle, the first, one that was never there, the last.
  map.delete(bytes('two'), 1)
  expect(names.map((name) => map.get(bytes(name), 1))).toEqual(['one', undefined, 'six', 'ten'])
  map.delete(bytes('ten'), 1)
  map.delete(bytes('ten'), 1)
  expect(names.map((name) => map.get(bytes(name), 1))).toEqual(['one', undefined, 'six', undefined])
  map.delete(bytes('one'), 1)
  map.delete(bytes('six'), 1)
  expect(map.size).toBe(0)
  expect(map.values()).toEqual([])
})
