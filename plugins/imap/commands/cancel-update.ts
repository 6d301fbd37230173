import { command, SELECTED } from '../command.ts'
import { no, ok } from '../completion.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

/** RFC 5267 section 4.3.5: searches, by their tags, whose results need not be followed any more. */
export const cancelUpdate = command({
  name: 'CANCELUPDATE',
  states: SELECTED,
  parse(args) {
    const tags: string[] = []
    do {
      args.space()
      if (args.next !== '"') throw new SyntaxFault('Tags are quoted')
      tags.push(args.string())
    } while (!args.isAtEnd)
    return tags
  },
  async run(tags, { contexts }) {
    const unknown = tags.filter((tag) => !contexts?.cancel(tag))
    return unknown.length === 0 ? ok('No further updates') : no('There is no such context', 'CLIENTBUG')
  },
})
