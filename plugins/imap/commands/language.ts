import { ANY_STATE, command } from '../command.ts'
import { no, ok } from '../completion.ts'
import { formatString } from '../wire/strings.ts'

/** RFC 5255 section 3. Our texts are in English, which is also what i-default asks for. */
const LANGUAGES = ['en', 'i-default'] as const

/** RFC 5255 section 3.2: lists the languages, or chooses the first of the client's ranges that is spoken here. */
export const language = command({
  name: 'LANGUAGE',
  states: ANY_STATE,
  parse(args) {
    const ranges: string[] = []
    while (!args.isAtEnd) {
      args.space()
      ranges.push(args.astring())
    }
    return ranges
  },
  async run(ranges, { out }) {
    if (ranges.length === 0) {
      out.untagged(`LANGUAGE (${LANGUAGES.map(formatString).join(' ')})`)
      return ok('Languages listed')
    }
    const chosen = ranges.map(spoken).find((tag) => tag !== undefined)
    if (chosen === undefined) return no('None of these languages is spoken here')
    out.untagged(`LANGUAGE (${formatString(chosen)})`)
    return ok('Texts are in English')
  },
})

/** RFC 4647 section 3.4: the range itself, or what is left of it from the right. */
function spoken(range: string): string | undefined {
  // RFC 5255 section 3.2: `default` is what a session begins with.
  if (range === '*' || range.toLowerCase() === 'default') return LANGUAGES[0]
  const parts = range.toLowerCase().split('-')
  for (let length = parts.length; length > 0; length--) {
    const tag = parts.slice(0, length).join('-')
    if (LANGUAGES.some((known) => known === tag)) return tag
  }
  return undefined
}
