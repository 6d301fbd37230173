import type { z } from 'zod'
import { showValue } from './show-value.ts'

type RawIssue = Parameters<z.core.$ZodErrorMap>[0]

const NAMES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  record: 'an object',
  object: 'an object',
  array: 'an array',
  boolean: 'true or false',
}

/** What a zod issue says to a person: what was expected, what was found. */
export function issueText(issue: RawIssue): string {
  const found = showValue(issue.input)
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${NAMES[issue.expected] ?? issue.expected}, got ${found}`
    case 'unrecognized_keys':
      return `there is no option ${issue.keys.join(', ')}`
    case 'invalid_value':
      return `expected ${issue.values.map((value) => showValue(value)).join(' or ')}, got ${found}`
    case 'too_small':
      return `expected at least ${issue.minimum}, got ${found}`
    case 'too_big':
      return `expected at most ${issue.maximum}, got ${found}`
    default:
      return `cannot be ${found}`
  }
}
