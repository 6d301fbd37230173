import { isSecret } from './secret.ts'

const MAX_LENGTH = 60

/** A value as an error message prints it: short, on one line, and never a secret. */
export function showValue(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (isSecret(value)) return String(value)
  if (typeof value === 'function') return value.name === '' ? 'a function' : `the function ${value.name}`
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'number') return String(value)
  if (typeof value === 'string') return shorten(JSON.stringify(redactUrl(value)))
  if (value === null || typeof value === 'boolean') return String(value)
  return Array.isArray(value) ? 'an array' : 'an object'
}

/** The same text with the password of a URL taken out: `smtps://user:[redacted]@host`. */
export function redactUrl(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s/?#:@]*):[^\s/?#@]*@/gi, '$1:[redacted]@')
}

function shorten(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}…`
}
