import { describe, expect, it } from 'vitest'
import {
  FieldSelector,
  fieldPlaces,
  fieldValue,
  fieldValues,
  headerEnd,
  headerFields,
  hopCount,
  selectFields,
} from '../../src/mail/header.ts'

const HEADER = Buffer.from(
  'Received: from a\r\n\tby b\r\nSubject: one\r\n two\r\nnot a field\r\nX-Odd : value\r\nreceived:c\r\nX-Empty:\r\n\r\n',
)

describe('fields of a header section', () => {
  it('are found with their offsets, folds included', () => {
    const fields = headerFields(HEADER)
    expect(fields.map(({ name, value }) => [name, value.toString()])).toEqual([
      ['Received', ' from a\r\n\tby b\r\n'],
      ['Subject', ' one\r\n two\r\n'],
      ['', 'not a field\r\n'],
      ['X-Odd', ' value\r\n'],
      ['received', 'c\r\n'],
      ['X-Empty', '\r\n'],
    ])
    for (const { start, end } of fields) expect(end).toBeGreaterThan(start)
    expect(Buffer.concat(fields.map(({ start, end }) => HEADER.subarray(start, end)))).toEqual(HEADER.subarray(0, -2))
  })

  it('end at the empty line, and at the end when there is none', () => {
    expect(headerFields(Buffer.from('A: 1\n\nB: 2\n')).map(({ name }) => name)).toEqual(['A'])
    expect(headerFields(Buffer.from('A: 1\nB: 2')).map(({ value }) => value.toString())).toEqual([' 1\n', ' 2'])
    expect(headerFields(Buffer.alloc(0))).toEqual([])
  })

  it('have a value without folds and without white space at its ends (RFC 5322 section 2.2.3)', () => {
    expect(fieldValue(HEADER, 'SUBJECT')).toBe('one two')
    expect(fieldValue(HEADER, 'x-empty')).toBe('')
    expect(fieldValue(HEADER, 'x-odd')).toBe('value')
    expect(fieldValue(HEADER, 'absent')).toBeUndefined()
    expect(fieldValues(HEADER, 'Received')).toEqual(['from a\tby b', 'c'])
  })

  it('keep a lone CR and 8-bit octets as data', () => {
    expect(fieldValue(Buffer.from('A: x\ry\xa0\n', 'latin1'), 'a')).toBe('x\ry\xa0')
  })

  it('count the hops', () => {
    expect(hopCount(HEADER)).toBe(2)
  })
})

describe('the end of the header section', () => {
  it.each([
    ['A: 1\r\n\r\nbody', 8],
    ['A: 1\n\nbody', 6],
    ['\r\nbody', 2],
    ['A: 1\r\n\r \r\n', 10],
    ['A: 1', 4],
  ])('of %j is at %i', (message, end) => {
    expect(headerEnd(Buffer.from(message))).toBe(end)
  })
})

describe('BODY[HEADER.FIELDS (…)] (RFC 3501 section 6.4.5)', () => {
  it('gives the chosen fields byte for byte in their own order, and the empty line', () => {
    expect(selectFields(HEADER, ['subject', 'RECEIVED']).toString()).toBe(
      'Received: from a\r\n\tby b\r\nSubject: one\r\n two\r\nreceived:c\r\n\r\n',
    )
  })

  it('gives all others with not', () => {
    expect(selectFields(HEADER, ['subject', 'received', 'x-empty'], { not: true }).toString()).toBe(
      'not a field\r\nX-Odd : value\r\n\r\n',
    )
  })

  it('gives the empty line alone when nothing is chosen, and nothing when there is none', () => {
    expect(selectFields(HEADER, ['absent']).toString()).toBe('\r\n')
    expect(selectFields(Buffer.from('A: 1\nB: 2\n'), ['b']).toString()).toBe('B: 2\n')
    expect(selectFields(Buffer.from('A: 1\n\nx'), []).toString()).toBe('\n')
  })

  it('finds the same fields where their places are known', () => {
    const headers = [HEADER, 'A: 1\nB: 2\n', 'no field\r\nSubject : x\r\n y\r\n\r\n', '\r\n', '']
    for (const header of headers.map((text) => Buffer.from(text))) {
      const places = fieldPlaces(header)
      for (const options of [{ not: false }, { not: true }]) {
        const selector = new FieldSelector(['subject', 'received', 'b'], options)
        const found = [...selector.find(header)]
        const { hasEnd } = selector
        expect([...selector.find(header, places)], `${header}`).toEqual(found)
        expect(selector.hasEnd).toBe(hasEnd)
      }
    }
  })
})
