import { readdirSync, readFileSync } from 'node:fs'
import * as api from 'mailserver'
import { describe, expect, it } from 'vitest'
import { MOMENTS } from '../../src/kernel/moments.ts'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

/** The cells of a Markdown table's rows, without its header. */
function rows(markdown: string): string[][] {
  return markdown
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
}

describe('docs/hooks.md', () => {
  it('has every hook of the core, in order, with its kind and timeout', () => {
    const documented = rows(read('docs/hooks.md')).map(([name, id, kind, , , timeout]) => ({ name, id, kind, timeout }))
    const exported = new Map(Object.entries(api).map(([name, value]) => [value as unknown, name]))
    const actual = MOMENTS.map((hook) => ({
      name: exported.get(hook),
      id: hook.id,
      kind: hook.kind,
      timeout: `${hook.timeoutMs / 1000} s`,
    }))
    expect(documented).toEqual(actual)
  })
})

describe('docs/errors.md', () => {
  it('has every code of MailError', () => {
    const source = read('src/errors/mail-error.ts')
    const union = source.slice(source.indexOf('export type MailErrorCode'), source.indexOf('export class'))
    const codes = [...union.matchAll(/'([A-Z_]+)'/g)].map(([, code]) => code)
    expect(rows(read('docs/errors.md')).map(([code]) => code)).toEqual(codes)
  })
})

describe('docs/rfcs.md', () => {
  it('has a row for every standard that the code cites', () => {
    const documented = new Set([...read('docs/rfcs.md').matchAll(/^\| \[(\d+)\]/gm)].map(([, number]) => number))
    const cited = new Set<string>()
    for (const room of ['src', 'plugins']) {
      for (const file of readdirSync(new URL(`../../${room}/`, import.meta.url), { recursive: true }).map(String)) {
        if (!file.endsWith('.ts')) continue
        for (const [, number] of read(`${room}/${file}`).matchAll(/\bRFC (\d{3,5})\b/g)) cited.add(number as string)
      }
    }
    expect([...cited].filter((number) => !documented.has(number))).toEqual([])
  })
})
