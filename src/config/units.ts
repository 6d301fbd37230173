import { z } from 'zod'

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const SIZE_BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1024,
  mb: 1024 ** 2,
  gb: 1024 ** 3,
  tb: 1024 ** 4,
}

/** Milliseconds of `'5m'`, `'1.5h'`, `'30d'`; a number is milliseconds already. Undefined when it is neither. */
export function parseDuration(value: number | string): number | undefined {
  return measure(value, DURATION_MS)
}

/** Octets of `'50MB'`, `'2GB'` (powers of 1024); a number is octets already. Undefined when it is neither. */
export function parseByteSize(value: number | string): number | undefined {
  return measure(value, SIZE_BYTES)
}

function measure(value: number | string, units: Readonly<Record<string, number>>): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? value : undefined
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/i.exec(value.trim())
  const unit = match === null ? undefined : units[(match[2] as string).toLowerCase()]
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}

/** Schema of a duration option: milliseconds or text with a unit; comes out in milliseconds. */
export function duration() {
  return unit(parseDuration, "expected a duration such as '30s', '5m' or '2h'")
}

/** Schema of a size option: octets or text with a unit; comes out in octets. */
export function byteSize() {
  return unit(parseByteSize, "expected a size such as '512KB', '50MB' or '2GB'")
}

function unit(parse: (value: number | string) => number | undefined, expected: string) {
  return z
    .union([z.number(), z.string()], { error: (issue) => `${expected}, got ${JSON.stringify(issue.input)}` })
    .transform((value, context) => {
      const parsed = parse(value)
      if (parsed !== undefined) return parsed
      context.addIssue({ code: 'custom', message: `${expected}, got ${JSON.stringify(value)}` })
      return z.NEVER
    })
}
