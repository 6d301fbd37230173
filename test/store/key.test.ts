import { describe, expect, it } from 'vitest'
import { between, KeyReader, key, prefixRange } from '../../src/store/key.ts'

type Part = string | number | bigint | Buffer

const compare = (a: Buffer, b: Buffer) => Math.sign(a.compare(b))

function isWithin(name: Buffer, { gte, lt }: { gte: Buffer; lt: Buffer }): boolean {
  return name.compare(gte) >= 0 && name.compare(lt) < 0
}

describe('key', () => {
  it('sorts as its parts do: text by its octets', () => {
    const texts = ['', '\0', '\0a', '\x01', 'a', 'a\0', 'a\0\0', 'a\0b', 'a\x01', 'aa', 'b', 'é', '語', '\u{1f4e7}']
    for (const [i, a] of texts.entries()) {
      for (const [j, b] of texts.entries()) {
        const expected = Math.sign(Buffer.from(a).compare(Buffer.from(b)))
        expect(compare(key(a), key(b)), `${i} ${j}`).toBe(expected)
        // What follows must not change the order of what came first.
        if (expected !== 0) {
          expect(compare(key(a, 'zz', 9), key(b, '', 0)), `${i} ${j} with more`).toBe(expected)
          expect(compare(key(a, 0xffffffff), key(b, 0)), `${i} ${j} with a number`).toBe(expected)
        }
      }
    }
  })

  it('sorts numbers and bigints by value, up to their largest', () => {
    const numbers = [0, 1, 255, 256, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff]
    const bigints = [0n, 1n, 255n, 256n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]
    const ascending = (keys: Buffer[]) => expect(keys.toSorted(Buffer.compare)).toEqual(keys)
    ascending(numbers.map((number) => key('n', number)))
    ascending(bigints.map((number) => key('n', number)))
  })

  it('refuses a number that has no four octets', () => {
    for (const number of [-1, 2 ** 32, 1.5e300]) expect(() => key(number), String(number)).toThrow(RangeError)
    expect(() => key(-1n)).toThrow(RangeError)
    expect(() => key(2n ** 64n)).toThrow(RangeError)
  })

  it('sorts bytes by octets, zeros and 0xff included', () => {
    const bytes = [[], [0], [0, 0], [0, 0xff], [0, 0xff, 0], [1], [0xfe], [0xff], [0xff, 0], [0xff, 0xff]]
    const keys = bytes.map((octets) => key(Buffer.from(octets), 5))
    expect(keys.toSorted(Buffer.compare)).toEqual(keys)
  })

  it('tells tuples apart that run together when written plainly', () => {
    const tuples: Part[][] = [
      ['a', 'b'],
      ['ab'],
      ['ab', ''],
      ['a', '', 'b'],
      ['', 'ab'],
      ['a\0b'],
      ['a\0', 'b'],
      ['a', '\0b'],
    ]
    const written = tuples.map((parts) => key(...parts).toString('hex'))
    expect(new Set(written).size).toBe(tuples.length)
  })
})

describe('prefixRange', () => {
  it('holds every key that begins with the parts, and no other', () => {
    const range = prefixRange('mailbox', 'a')
    for (const inside of [
      key('mailbox', 'a'),
      key('mailbox', 'a', 0),
      key('mailbox', 'a', 0xffffffff),
      key('mailbox', 'a', '\xff'),
    ]) {
      expect(isWithin(inside, range)).toBe(true)
    }
    for (const outside of [
      key('mailbox'),
      key('mailbox', ''),
      key('mailbox', 'a\0'),
      key('mailbox', 'aa'),
      key('mailbox', 'b'),
      key('mailboxes', 'a'),
    ]) {
      expect(isWithin(outside, range)).toBe(false)
    }
  })

  it('holds keys that begin with a number, also the largest', () => {
    const range = prefixRange(0xffffffff)
    expect(isWithin(key(0xffffffff), range)).toBe(true)
    expect(isWithin(key(0xffffffff, 'text'), range)).toBe(true)
    expect(isWithin(key(0xffffffff, Buffer.from([0xff, 0xff])), range)).toBe(true)
    expect(isWithin(key(0xfffffffe, 'text'), range)).toBe(false)
  })

  it('holds everything when there is no part', () => {
    expect(isWithin(key('a', 1), prefixRange())).toBe(true)
    expect(isWithin(key(0), prefixRange())).toBe(true)
  })
})

describe('between', () => {
  it('takes both ends in, with everything below them', () => {
    const range = between(['uid'], 5, 7)
    const inside = [key('uid', 5), key('uid', 6, 'x'), key('uid', 7), key('uid', 7, 'x')]
    const outside = [key('uid', 4, 'x'), key('uid', 8), key('uid'), key('uie', 6)]
    expect(inside.map((name) => isWithin(name, range))).toEqual(inside.map(() => true))
    expect(outside.map((name) => isWithin(name, range))).toEqual(outside.map(() => false))
  })

  it('reaches the largest number', () => {
    const range = between(['uid'], 1, 0xffffffff)
    expect(isWithin(key('uid', 0xffffffff), range)).toBe(true)
    expect(isWithin(key('uid', 0), range)).toBe(false)
    expect(isWithin(key('uie'), range)).toBe(false)
  })

  it('holds nothing when its ends are the wrong way round', () => {
    const range = between(['uid'], 7, 5)
    expect([5, 6, 7].some((uid) => isWithin(key('uid', uid), range))).toBe(false)
  })
})

describe('KeyReader', () => {
  it('reads back what was written, part by part', () => {
    const texts = ['', 'INBOX', 'a\0b', '\0', '\0\0\xff', 'Entwürfe/語', '\u{1f4e7}']
    for (const text of texts) {
      const reader = new KeyReader(key(text, 7, text, 2n ** 63n, text))
      expect(reader.text()).toBe(text)
      expect(reader.u32()).toBe(7)
      expect(reader.text()).toBe(text)
      expect(reader.u64()).toBe(2n ** 63n)
      expect(reader.text()).toBe(text)
    }
  })

  it('throws at the end of a key instead of reading past it', () => {
    expect(() => new KeyReader(Buffer.from('no end')).text()).toThrow(RangeError)
    expect(() => new KeyReader(Buffer.from([1, 2, 3])).u32()).toThrow(RangeError)
    expect(() => new KeyReader(key(1)).u64()).toThrow(RangeError)
    const reader = new KeyReader(key('a'))
    reader.text()
    expect(() => reader.text()).toThrow(RangeError)
  })
})
