/** Dates of header fields (RFC 5322 section 3.3), read leniently and written strictly. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const MONTH_NAMES = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const DAY_NAMES = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']

// RFC 5322 section 4.3. Every other name, the military letters among them, means "unknown": read as UTC.
const ZONES = new Map([
  ['edt', -240],
  ['est', -300],
  ['cdt', -300],
  ['cst', -360],
  ['mdt', -360],
  ['mst', -420],
  ['pdt', -420],
  ['pst', -480],
])

const MAX_LENGTH = 256
/** Days that every month of a leap year has. */
const SHORTEST_MONTH = 29
const TIME = String.raw`(\d{1,2})\s*[:.]\s*(\d{1,2})(?:\s*[:.]\s*(\d{1,2})(?:[.,]\d+)?)?`
const ZONE = String.raw`(?:\s*([+-]\d{4}|[+-]\d{2}:\d{2}|[A-Za-z]{1,5}))?`
const RFC_5322 = new RegExp(
  String.raw`^\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?(\d{1,2})[\s-]+([A-Za-z]{3,9})\.?[\s,-]+(\d{2,4})\s*,?\s+${TIME}${ZONE}`,
)
const ASCTIME = new RegExp(
  String.raw`^\s*(?:[A-Za-z]{2,9}\.?\s*,?\s*)?([A-Za-z]{3,9})\.?\s+(\d{1,2})\s*,?\s+${TIME}\s+(?:([A-Z]{1,5})\s+)?(\d{4})${ZONE}`,
)

/** @returns milliseconds since the epoch, or undefined when it is no date */
export function parseDate(text: string): number | undefined {
  const bare = withoutComments(text.slice(0, MAX_LENGTH))
  const usual = RFC_5322.exec(bare)
  if (usual !== null) {
    const [, day, month, year, hour, minute, second, zone] = usual
    return toTime({ day, month, year, hour, minute, second, zone })
  }
  const asctime = ASCTIME.exec(bare)
  if (asctime === null) return undefined
  const [, month, day, hour, minute, second, named, year, numeric] = asctime
  return toTime({ day, month, year, hour, minute, second, zone: numeric ?? named })
}

interface Fields {
  readonly day: string | undefined
  readonly month: string | undefined
  readonly year: string | undefined
  readonly hour: string | undefined
  readonly minute: string | undefined
  readonly second: string | undefined
  readonly zone: string | undefined
}

function toTime(fields: Fields): number | undefined {
  const month = MONTHS.indexOf((fields.month ?? '').slice(0, 3).toLowerCase())
  const day = Number(fields.day)
  const hour = Number(fields.hour)
  const minute = Number(fields.minute)
  const second = Number(fields.second ?? 0)
  if (month === -1 || day < 1 || day > 31 || hour > 24 || minute > 59 || second > 60) return undefined
  const time = Date.UTC(fullYear(fields.year ?? ''), month, day, hour, minute, second)
  // A day the month does not have rolls over in Date.UTC: 31 February is no date.
  if (day > SHORTEST_MONTH && new Date(Date.UTC(2000, month, day)).getUTCMonth() !== month) return undefined
  return time - zoneMinutes(fields.zone) * 60_000
}

/** RFC 5322 section 4.3: two digits are 2000 to 2049 or 1950 to 1999; three count from 1900. */
function fullYear(digits: string): number {
  const year = Number(digits)
  if (digits.length === 2) return year < 50 ? 2000 + year : 1900 + year
  return digits.length === 3 ? 1900 + year : year
}

function zoneMinutes(zone: string | undefined): number {
  if (zone === undefined) return 0
  const numeric = /^([+-])(\d{2}):?(\d{2})$/.exec(zone)
  if (numeric === null) return ZONES.get(zone.toLowerCase()) ?? 0
  const minutes = Number(numeric[2]) * 60 + Number(numeric[3])
  return numeric[1] === '-' ? -minutes : minutes
}

function withoutComments(text: string): string {
  if (!text.includes('(')) return text
  let depth = 0
  let bare = ''
  for (const char of text) {
    if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth === 0) bare += char
  }
  return bare
}

/**
 * A date for a header field, `Sun, 22 Nov 2026 02:03:49 +0000`.
 * @param ms milliseconds since the epoch
 * @param zone minutes east of UTC
 */
export function formatDate(ms: number, zone = 0): string {
  const second = Math.floor(ms / 1000)
  if (second !== last.second || zone !== last.zone) last = { second, zone, text: dateText(ms, zone) }
  return last.text
}

/** Many a message comes within one second. */
let last = { second: Number.NaN, zone: 0, text: '' }

function dateText(ms: number, zone: number): string {
  const date = new Date(ms + zone * 60_000)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${DAY_NAMES[date.getUTCDay()]}, ${date.getUTCDate()} ${MONTH_NAMES[date.getUTCMonth()]} ${String(date.getUTCFullYear()).padStart(4, '0')}`
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  const east = Math.abs(zone)
  return `${day} ${time} ${zone < 0 ? '-' : '+'}${two(Math.floor(east / 60))}${two(east % 60)}`
}
