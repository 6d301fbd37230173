import { describe, expect, it } from 'vitest'
import { formatDate, parseDate } from '../../src/mail/date-time.ts'

const iso = (text: string) => {
  const ms = parseDate(text)
  return ms === undefined ? undefined : new Date(ms).toISOString()
}

describe('reading a date (RFC 5322 sections 3.3, 4.3)', () => {
  it.each([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
    ['21 Nov 1997 09:55 +0000', '1997-11-21T09:55:00.000Z'],
    ['Thu,\r\n 13\r\n Feb\r\n 1969\r\n 23:32 -0330 (Newfoundland Time)', '1969-02-14T03:02:00.000Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
    ['21 Nov 03 09:55:06 EST', '2003-11-21T14:55:06.000Z'],
    ['21 Nov 103 09:55:06 Z', '2003-11-21T09:55:06.000Z'],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
    ['Fri, 21-Nov-1997 09:55:06 +0200', '1997-11-21T07:55:06.000Z'],
    ['Friday, 21 November 1997 9:55:06 +02:00', '1997-11-21T07:55:06.000Z'],
    ['Sun Nov  6 08:49:37 1994', '1994-11-06T08:49:37.000Z'],
    ['Sun Nov  6 08:49:37 PST 1994', '1994-11-06T16:49:37.000Z'],
    ['1 Jan 2026 00:00:00 XYZZY', '2026-01-01T00:00:00.000Z'],
    ['31 Dec 2016 23:59:60 +0000', '2017-01-01T00:00:00.000Z'],
    ['29 Feb 2024 00:00:00 +0000', '2024-02-29T00:00:00.000Z'],
    ['31 Feb 2024 00:00:00 +0000', undefined],
    ['32 Jan 2024 00:00:00 +0000', undefined],
    ['1 Foo 2024 00:00:00 +0000', undefined],
    ['1 Jan 2024 25:00:00 +0000', undefined],
    ['yesterday', undefined],
    ['', undefined],
  ])('%j', (text, expected) => {
    expect(iso(text)).toBe(expected)
  })

  it('takes no time over a line that is long', () => {
    const started = performance.now()
    for (const unit of ['(', ' ', '1', 'a', '1 ', 'Jan ', ': ']) parseDate(unit.repeat(1_000_000 / unit.length))
    expect(performance.now() - started).toBeLessThan(1000)
  })
})

describe('writing a date', () => {
  it.each([
    [0, 0, 'Thu, 1 Jan 1970 00:00:00 +0000'],
    [880127706000, -360, 'Fri, 21 Nov 1997 09:55:06 -0600'],
    [880127706000, 330, 'Fri, 21 Nov 1997 21:25:06 +0530'],
  ])('%i in zone %i', (ms, zone, text) => {
    expect(formatDate(ms, zone)).toBe(text)
    expect(parseDate(text)).toBe(ms)
  })
})
