import { fault, ok } from '../wire/reply.ts'
import type { Command } from './command.ts'

/** RFC 6856 section 3: tag, then the name of the language in itself. Our texts are in English, which is also i-default. */
const LANGUAGES: ReadonlyMap<string, string> = new Map([
  ['en', 'en English'],
  ['i-default', 'i-default English'],
])

export const lang: Command = {
  keyword: 'LANG',
  state: 'any',
  run(_context, argument) {
    if (argument === '') return { ...ok('Language listing follows'), lines: LANGUAGES.values() }
    const tag = argument.trim().toLowerCase()
    // RFC 4647 section 3.3.2: `*` leaves the choice to us, and `en-GB` is served by `en`.
    const [primary = ''] = tag.split('-')
    const chosen = tag === '*' ? 'en' : LANGUAGES.has(tag) ? tag : primary
    return LANGUAGES.has(chosen) ? ok(`${chosen} Texts are in English`) : fault('That language is not spoken here')
  },
}
