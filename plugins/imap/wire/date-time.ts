import type { Arguments } from './arguments.ts'
import { SyntaxFault } from './syntax-fault.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const DATE_TIME = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/
const DATE = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** date-time (RFC 3501 section 9), in quotes, as milliseconds since the epoch. */
export function parseDateTime(args: Arguments): number {
  const match = DATE_TIME.exec(args.string())
  if (match === null) throw new SyntaxFault('Date and time expected')
  const [, day, month, year, hour, minute, second, sign, zoneHour, zoneMinute] = match as unknown as string[]
  const local = dayOf(Number(day), month as string, Number(year)) * DAY_MS
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60 || Number(zoneMinute) > 59) {
    throw new SyntaxFault('Invalid time')
  }
  const time = ((Number(hour) * 60 + Number(minute)) * 60 + Number(second)) * 1000
  const zone = (Number(zoneHour) * 60 + Number(zoneMinute)) * MINUTE_MS
  return local + time - (sign === '-' ? -zone : zone)
}

/** date of SEARCH, quoted or not, as days since the epoch. */
export function parseDate(args: Arguments): number {
  const match = DATE.exec(args.astring())
  if (match === null) throw new SyntaxFault('Date expected')
  return dayOf(Number(match[1]), match[2] as string, Number(match[3]))
}

/** Days since the epoch of a calendar date. @throws SyntaxFault when there is no such day */
export function dayOf(day: number, month: string, year: number): number {
  const index = monthIndex(month)
  const date = new Date(Date.UTC(2000, index, 1))
  date.setUTCFullYear(year, index, day)
  if (index < 0 || date.getUTCMonth() !== index || date.getUTCDate() !== day) throw new SyntaxFault('No such day')
  return Math.floor(date.getTime() / DAY_MS)
}

/** 0 for `Jan`, whatever its case; -1 for what is no month. */
export function monthIndex(name: string): number {
  const lower = name.toLowerCase()
  return MONTHS.findIndex((month) => month.toLowerCase() === lower)
}

/** The day that was written last, and its text: a mailbox has many messages of a day, one after the other. */
let lastDay = Number.NaN
let lastDayText = ''

/** INTERNALDATE's value, in UTC, quotes included. */
export function formatDateTime(ms: number): string {
  const day = Math.floor(ms / DAY_MS)
  if (day !== lastDay) {
    lastDay = day
    lastDayText = dayText(ms)
  }
  const second = Math.floor((ms - day * DAY_MS) / 1000)
  const minute = Math.floor(second / 60)
  return `"${lastDayText} ${two(Math.floor(minute / 60))}:${two(minute % 60)}:${two(second % 60)} +0000"`
}

function dayText(ms: number): string {
  const date = new Date(ms)
  const day = String(date.getUTCDate()).padStart(2, ' ')
  const month = MONTHS[date.getUTCMonth()] ?? 'Jan'
  return `${day}-${month}-${String(date.getUTCFullYear()).padStart(4, '0')}`
}

const TWO_DIGITS = Array.from({ length: 100 }, (_, number) => String(number).padStart(2, '0'))
const two = (number: number): string => TWO_DIGITS[number] as string

/** The day of an INTERNALDATE as FETCH shows it: in UTC. */
export function dayOfInstant(ms: number): number {
  return Math.floor(ms / DAY_MS)
}
