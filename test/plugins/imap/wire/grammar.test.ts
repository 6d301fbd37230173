import { decodeModifiedUtf7, encodeModifiedUtf7 } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { Arguments } from '../../../../plugins/imap/wire/arguments.ts'
import { formatDateTime, parseDate, parseDateTime } from '../../../../plugins/imap/wire/date-time.ts'
import { parseFetchItems } from '../../../../plugins/imap/wire/fetch-items.ts'
import { ListPattern } from '../../../../plugins/imap/wire/list-pattern.ts'
import { parseSearch } from '../../../../plugins/imap/wire/search-keys.ts'
import { formatSequenceSet, resolveSequenceSet, sequenceSetOf } from '../../../../plugins/imap/wire/sequence-set.ts'
import { formatString } from '../../../../plugins/imap/wire/strings.ts'
import { SyntaxFault } from '../../../../plugins/imap/wire/syntax-fault.ts'

const args = (text: string) => new Arguments([{ kind: 'text', text }])

describe('sequence sets', () => {
  it('are resolved, sorted and merged', () => {
    expect(resolveSequenceSet(sequenceSetOf('2,4:7,9,12:*'), 15)).toEqual([
      [2, 2],
      [4, 7],
      [9, 9],
      [12, 15],
    ])
    // RFC 3501 section 9: `*:4` and `5:*` with 3 messages.
    expect(resolveSequenceSet(sequenceSetOf('*:4'), 3)).toEqual([[3, 4]])
    expect(resolveSequenceSet(sequenceSetOf('5:3,1,2,4'), 9)).toEqual([[1, 5]])
  })

  it('are refused when they are none', () => {
    for (const text of ['0', '1:', ':1', '1,,2', '1:2:3', '4294967296', '', '**', '1:0', 'a']) {
      expect(() => sequenceSetOf(text), text).toThrow(SyntaxFault)
    }
  })

  it('are written with runs joined', () => {
    expect(formatSequenceSet([1, 2, 3, 5, 9, 10])).toBe('1:3,5,9:10')
    expect(formatSequenceSet([])).toBe('')
  })
})

describe('modified UTF-7 (RFC 3501 section 5.1.3)', () => {
  const pairs = [
    ['~peter/mail/&U,BTFw-/&ZeVnLIqe-', '~peter/mail/台北/日本語'],
    ['Entw&APw-rfe', 'Entwürfe'],
    ['Bits &- Pieces', 'Bits & Pieces'],
    ['&2D3cjA-', '💌'],
  ] as const
  it('goes both ways', () => {
    for (const [wire, name] of pairs) {
      expect(decodeModifiedUtf7(wire)).toBe(name)
      expect(encodeModifiedUtf7(name)).toBe(wire)
    }
  })
  it('has one spelling for a name', () => {
    for (const wire of ['&', '&AGE-', '&U,BTFw', '&U,BTF-', '&2D0-', '&U,BTFw-&ZeVnLIqe-', '\x80', '&Jjo!', '\u00fc']) {
      expect(decodeModifiedUtf7(wire), wire).toBeUndefined()
    }
  })
})

describe('dates', () => {
  it('are read with their zone and written in UTC', () => {
    expect(formatDateTime(parseDateTime(args('"17-Jul-1996 02:44:25 -0700"')))).toBe('"17-Jul-1996 09:44:25 +0000"')
    expect(formatDateTime(parseDateTime(args('" 1-jan-2026 00:00:00 +0530"')))).toBe('"31-Dec-2025 18:30:00 +0000"')
    expect(parseDate(args('"1-Feb-1994"'))).toBe(parseDate(args('01-feb-1994')))
  })
  it('are refused when there is no such time', () => {
    for (const text of [
      '"31-Feb-2026 00:00:00 +0000"',
      '"01-Jan-2026 25:00:00 +0000"',
      '"1-Jan-2026 00:00:00 +0000"',
      '"x"',
    ]) {
      expect(() => parseDateTime(args(text)), text).toThrow(SyntaxFault)
    }
    for (const text of ['30-Feb-2026', '1-Foo-2026', '0-Jan-2026'])
      expect(() => parseDate(args(text)), text).toThrow(SyntaxFault)
  })
})

it('writes strings quoted or as literals', () => {
  expect(formatString('a "b" \\')).toBe('"a \\"b\\" \\\\"')
  expect(formatString('a\r\nb')).toBe('{4}\r\na\r\nb')
  expect(formatString('\xfc')).toBe('{1}\r\n\xfc')
  expect(formatString('')).toBe('""')
})

it('reads FETCH items as RFC 3501 section 6.4.5 has them', () => {
  const labels = (text: string) =>
    parseFetchItems(args(text), 100).map((item) => (typeof item === 'string' ? item : `${item.label} ${item.isPeek}`))
  expect(labels('full')).toEqual(['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'])
  expect(labels('body[4.2.2.2.HEADER.FIELDS.NOT (date "from")]<0.2048>')).toEqual([
    'BODY[4.2.2.2.HEADER.FIELDS.NOT (date from)]<0> false',
  ])
  expect(labels('(UID uid BODY[] BODY.PEEK[1.MIME] RFC822.HEADER)')).toEqual([
    'UID',
    'BODY[] false',
    'BODY[1.MIME] true',
    'RFC822.HEADER true',
  ])
  expect(labels('(UID RFC822.SIZE RFC822.peek RFC822.TEXT.PEEK)')).toEqual([
    'UID',
    'RFC822.SIZE',
    'RFC822 true',
    'RFC822.TEXT true',
  ])
  for (const text of [
    'BODY[0]',
    'BODY[1.]',
    'BODY[.1]',
    'BODY[HEADER.FIELDS ()]',
    'BODY[TEXT.1]',
    'BODY.PEEK',
    '(ALL)',
    'BODY[]<1>',
  ]) {
    expect(() => {
      const read = args(text)
      parseFetchItems(read, 100)
      read.end()
    }, text).toThrow(SyntaxFault)
  }
})

it('reads search keys as RFC 3501 section 6.4.4 has them', () => {
  const limits = { searchDepth: 5, items: 20 }
  expect(parseSearch(args('FLAGGED SINCE 1-Feb-1994 NOT FROM "Smith"'), limits)).toEqual({
    kind: 'and',
    keys: [
      { kind: 'flag', flag: '\\flagged' },
      { kind: 'arrived', relation: 'since', day: 8797 },
      { kind: 'not', key: { kind: 'envelope', field: 'from', text: 'Smith' } },
    ],
  })
  expect(parseSearch(args('OR 1:3 (UID 5 TEXT x)'), limits)).toMatchObject({
    kind: 'or',
    keys: [{ kind: 'sequence' }, { kind: 'and' }],
  })
  for (const text of [
    'OR 1',
    'NOT',
    '()',
    'FROM',
    'LARGER x',
    'KEYWORD \\Seen',
    'ALL  ALL',
    `${'ALL '.repeat(30)}ALL`,
  ]) {
    expect(() => parseSearch(args(text), limits), text).toThrow(SyntaxFault)
  }
})

describe('list patterns', () => {
  const matches = (pattern: string, name: string) => new ListPattern('', pattern).matches(name)
  it('match as RFC 3501 section 6.3.8 says', () => {
    expect(matches('*', 'a/b/c')).toBe(true)
    expect(matches('%', 'a/b')).toBe(false)
    expect(matches('a%', 'a')).toBe(true)
    expect(matches('%/%', 'a/b')).toBe(true)
    expect(matches('a*c', 'a/b/c')).toBe(true)
    expect(matches('a%c', 'abc')).toBe(true)
    expect(matches('InBoX', 'INBOX')).toBe(true)
    expect(matches('A', 'a')).toBe(false)
  })
  it('take no time that grows with wildcards', () => {
    const started = performance.now()
    expect(matches('*a'.repeat(400), `${'a'.repeat(399)}b`)).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
