const UNITS = ['B', 'KB', 'MB', 'GB', 'TB'] as const
const STEPS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
] as const

/** Octets as `1.5 MB`, in powers of 1024. */
export function bytes(value: number): string {
  let unit = 0
  let rest = value
  while (rest >= 1024 && unit < UNITS.length - 1) {
    rest /= 1024
    unit++
  }
  return `${unit === 0 || rest >= 100 ? Math.round(rest) : rest.toFixed(1)} ${UNITS[unit]}`
}

/** Milliseconds as `2d 3h`, `4m 5s`, `12 ms`: the two largest units. */
export function span(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const parts: string[] = []
  let rest = ms
  for (const [name, size] of STEPS) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0 && parts.length < 2) parts.push(`${count}${name}`)
    else if (parts.length > 0) break
  }
  return parts.join(' ')
}

/** A moment in local time, `2026-03-01 14:05:09`. */
export function moment(at: number): string {
  const date = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** A moment seen from now: `in 4m`, `2h ago`. */
export function relative(at: number, now: number = Date.now()): string {
  return at >= now ? `in ${span(at - now)}` : `${span(now - at)} ago`
}
