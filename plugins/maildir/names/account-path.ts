import { resolve } from 'node:path'
import type { Address } from 'mailserver'

const VARIABLE = /%[%udn]/g

/**
 * Directory of an account: `%u` is its address, `%n` the local part, `%d` the domain, all in lower case.
 * @param base what a relative path is relative to
 */
export function accountPath(pattern: string, { local, domain }: Address, base: string): string {
  const safe = { '%n': safeName(local), '%d': safeName(domain), '%u': safeName(`${local}@${domain}`), '%%': '%' }
  return resolve(
    base,
    pattern.replace(VARIABLE, (name) => safe[name as keyof typeof safe]),
  )
}

/** A quoted local part may hold anything; a level of a path may not. */
function safeName(text: string): string {
  const plain = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}@._+=~!#$&'^`{|}*-]/gu, (character) => encodeURIComponent(character))
  return plain.replaceAll('/', '%2F').replace(/^\.+/, (dots) => '%2E'.repeat(dots.length))
}
