/** Fields that carry flags in an mbox, and those that would be wrong in one: RFC 4155 leaves them to custom. */
export const MBOX_FIELDS: ReadonlySet<string> = new Set([
  'status',
  'x-status',
  'x-keywords',
  'x-uid',
  'x-imap',
  'x-imapbase',
  'content-length',
  'x-mozilla-status',
  'x-mozilla-status2',
  'x-mozilla-keys',
])

const STATUS: readonly (readonly [letter: string, flag: string])[] = [
  ['A', '\\Answered'],
  ['F', '\\Flagged'],
  ['T', '\\Draft'],
  ['D', '\\Deleted'],
]

/** Status and X-Status as mutt and Dovecot read them; O: no longer recent. Lines end in LF. */
export function statusFields(flags: readonly string[], uid: number): string {
  const has = (flag: string) => flags.some((one) => one.toLowerCase() === flag.toLowerCase())
  const letters = STATUS.filter(([, flag]) => has(flag)).map(([letter]) => letter)
  const keywords = flags.filter((flag) => !flag.startsWith('\\'))
  return [
    `Status: ${has('\\Seen') ? 'R' : ''}O\n`,
    letters.length === 0 ? '' : `X-Status: ${letters.join('')}\n`,
    keywords.length === 0 ? '' : `X-Keywords: ${keywords.join(' ')}\n`,
    `X-UID: ${uid}\n`,
  ].join('')
}

const MOZILLA_READ = 0x0001
const MOZILLA_REPLIED = 0x0002
const MOZILLA_MARKED = 0x0004
const MOZILLA_EXPUNGED = 0x0008
const MOZILLA_FORWARDED = 0x1000

/** @param fields values by names in lower case @returns undefined for a message that is not one to be shown */
export function flagsOfFields(fields: ReadonlyMap<string, string>): readonly string[] | undefined {
  // The first message of some servers' files keeps their own data.
  if (fields.has('x-imap')) return undefined
  const flags = new Set<string>()
  const letters = `${fields.get('status') ?? ''}${fields.get('x-status') ?? ''}`
  if (letters.includes('R')) flags.add('\\Seen')
  for (const [letter, flag] of STATUS) if (letters.includes(letter)) flags.add(flag)
  for (const name of ['x-keywords', 'x-mozilla-keys']) {
    for (const keyword of (fields.get(name) ?? '').split(/[\s,]+/)) if (keyword !== '') flags.add(keyword)
  }
  const mozilla = Number.parseInt(fields.get('x-mozilla-status') ?? '0', 16)
  if (mozilla & MOZILLA_EXPUNGED) return undefined
  if (mozilla & MOZILLA_READ) flags.add('\\Seen')
  if (mozilla & MOZILLA_REPLIED) flags.add('\\Answered')
  if (mozilla & MOZILLA_MARKED) flags.add('\\Flagged')
  if (mozilla & MOZILLA_FORWARDED) flags.add('$Forwarded')
  return [...flags]
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** The line that begins a message, its time in UTC (RFC 4155 appendix A). */
export function fromLine(sender: string, at: number): string {
  const time = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${DAYS[time.getUTCDay()]} ${MONTHS[time.getUTCMonth()]} ${String(time.getUTCDate()).padStart(2, ' ')}`
  const clock = `${two(time.getUTCHours())}:${two(time.getUTCMinutes())}:${two(time.getUTCSeconds())}`
  return `From ${sender} ${day} ${clock} ${time.getUTCFullYear()}\n`
}

const FROM_LINE =
  /^From (?:.* )?(?:\w{3},? +)(\w{3}) +(\d{1,2}) +(\d{1,2}):(\d{2})(?::(\d{2}))? +(?:[A-Z]{1,5} +)?(?:([+-]\d{4}) +)?(\d{4})(?: +([+-]\d{4}))?\s*$/

/** When the message came, milliseconds since the epoch; undefined when the line begins no message. */
export function parseFromLine(line: string): number | undefined {
  const match = FROM_LINE.exec(line)
  if (match === null) return undefined
  const [, month = '', day, hour, minute, second = '0', before, year, behind] = match
  const place = MONTHS.indexOf(month)
  if (place === -1) return undefined
  const zone = before ?? behind ?? '+0000'
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))
  const at = Date.UTC(Number(year), place, Number(day), Number(hour), Number(minute), Number(second))
  return at - (zone.startsWith('-') ? -minutes : minutes) * 60_000
}
