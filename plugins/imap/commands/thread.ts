import { type Command, command, SELECTED } from '../command.ts'
import { ok } from '../completion.ts'
import { findAll } from '../search/find-messages.ts'
import { formatThreads, type ThreadMessage, type ThreadNode } from '../thread/message-tree.ts'
import { orderedSubject } from '../thread/ordered-subject.ts'
import { threadMessages } from '../thread/read-messages.ts'
import { byReferences } from '../thread/references.ts'
import { parseSearchCriteria } from '../wire/search-keys.ts'
import { SyntaxFault } from '../wire/syntax-fault.ts'

type Algorithm = (messages: readonly ThreadMessage[]) => readonly ThreadNode[]

const ALGORITHMS: ReadonlyMap<string, Algorithm> = new Map<string, Algorithm>([
  ['ORDEREDSUBJECT', orderedSubject],
  ['REFERENCES', (messages) => byReferences(messages, { mergesSubjects: true })],
  ['REFS', (messages) => byReferences(messages, { mergesSubjects: false })],
])

/** RFC 5256 section 3. */
export const thread = threading('THREAD', false)
export const uidThread = threading('UID THREAD', true)

function threading(name: string, isUid: boolean): Command {
  return command({
    name,
    states: SELECTED,
    updates: isUid ? 'all' : 'no-expunge',
    usesNumbers: !isUid,
    parse(args, { limits }) {
      args.space()
      const word = args.word()
      const algorithm = args.knows(`THREAD ${word}`) ? ALGORITHMS.get(word) : undefined
      if (algorithm === undefined) throw new SyntaxFault('No such threading algorithm')
      args.space()
      const key = parseSearchCriteria(args, limits)
      args.end()
      return { algorithm, key }
    },
    async run({ algorithm, key }, session) {
      const { positions, ordering } = await findAll(session, { key })
      const threads = algorithm(await threadMessages(session, positions, isUid, ordering))
      session.out.untagged(threads.length === 0 ? 'THREAD' : `THREAD ${formatThreads(threads)}`)
      return ok('Thread completed')
    },
  })
}
