import { expect, it } from 'vitest'
import { type Followed, follow, numbersOf } from './support/followed.ts'
import { imapWorld, mail } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'
import { random } from './support/told.ts'

const SESSIONS = 4
const STEPS = 300

/** Searches whose results change with flags, with mail that comes, or with both. */
const SEARCHES = [
  'SEARCH RETURN (UPDATE ALL) UNSEEN',
  'UID SEARCH RETURN (UPDATE ALL) FLAGGED',
  'SEARCH RETURN (ALL UPDATE) OR DELETED SUBJECT m1',
  'UID SEARCH RETURN (UPDATE ALL) NOT (FLAGGED BODY even)',
  'UID SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 UNDELETED',
  'SORT RETURN (UPDATE ALL) (REVERSE SUBJECT SIZE) UTF-8 OR UNSEEN BODY even',
  'UID SORT RETURN (UPDATE ALL) (RELEVANCY REVERSE ARRIVAL) UTF-8 FUZZY SUBJECT "m12 wrod"',
]

interface Session {
  readonly client: TestClient
  readonly followed: { readonly search: string; readonly context: Followed }[]
  count: number
}

async function hear(session: Session, command: string): Promise<readonly string[]> {
  const lines = await session.client.command(command)
  const contexts = session.followed.map(({ context }) => context)
  for (const line of lines) {
    const exists = /^\* (\d+) EXISTS$/.exec(line)
    if (exists !== null) session.count = Number(exists[1])
    if (/ EXPUNGE$/.test(line)) session.count -= 1
    follow(contexts, line)
    // Nothing is a result before the client knows it.
    for (const { isUid, results } of contexts)
      if (!isUid) expect(Math.max(0, ...results)).toBeLessThanOrEqual(session.count)
  }
  return lines
}

/** The results that a searching command tells. */
function resultsOf(lines: readonly string[], tag: string): number[] {
  const line = lines.find((one) => one.startsWith(`* ESEARCH (TAG "${tag}")`)) ?? ''
  const set = / ALL ([\d:,]+)/.exec(line)?.[1]
  return set === undefined ? [] : numbersOf(set)
}

async function search(session: Session, text: string): Promise<void> {
  const lines = await hear(session, text)
  const tag = (lines.at(-1) as string).split(' ')[0] as string
  if (lines.some((line) => line.startsWith('* NO [NOUPDATE'))) return
  const context = { tag, isUid: text.startsWith('UID'), results: resultsOf(lines, tag) }
  // What else came in answer to the command came behind the results, or was about other searches.
  const at = lines.findIndex((line) => line.startsWith(`* ESEARCH (TAG "${tag}")`))
  for (const line of lines.slice(at + 1)) follow([context], line)
  session.followed.push({ search: text, context })
}

it.each([1, 2, 3, 4, 5, 6, 7, 8])('results that are followed are those of a search (seed %i)', async (seed) => {
  await using world = await imapWorld()
  const below = random(seed * 104_729)
  const message = () => mail(`m${below(20)}`, below(2) === 0 ? 'even' : 'odd '.repeat(below(5) + 1))
  await world.deliver('INBOX', ...Array.from({ length: 12 }, message))
  const sessions: Session[] = []
  for (let at = 0; at < SESSIONS; at++) {
    const client = await world.login()
    const session: Session = { client, followed: [], count: 0 }
    await hear(session, 'SELECT INBOX')
    for (const text of SEARCHES) await search(session, text)
    sessions.push(session)
  }
  const step = async (session: Session) => {
    const number = 1 + below(Math.max(1, session.count))
    const flag = ['\\Seen', '\\Flagged', '\\Deleted'][below(3)]
    const sign = ['+', '-', ''][below(3)]
    const command = [
      'NOOP',
      `STORE ${number} ${sign}FLAGS (${flag})`,
      `UID STORE ${1 + below(40)}:* ${sign}FLAGS.SILENT (${flag})`,
      'EXPUNGE',
      `COPY ${number} INBOX`,
      `UID MOVE ${1 + below(60)} Trash`,
      'SEARCH DELETED',
      `FETCH ${number} BODY[]`,
      'cancel',
      'search',
    ][below(10)] as string
    if (session.count === 0 && /^(STORE|COPY|FETCH) /.test(command)) return
    if (command === 'search') return search(session, SEARCHES[below(SEARCHES.length)] as string)
    if (command === 'cancel') {
      const gone = session.followed.splice(below(session.followed.length), 1)[0]
      if (gone !== undefined) await hear(session, `CANCELUPDATE "${gone.context.tag}"`)
      return
    }
    const lines = await hear(session, command)
    expect(lines.at(-1), command).toMatch(/ (OK|NO \[EXPUNGEISSUED\])/)
  }
  for (let at = 0; at < STEPS; at += SESSIONS) {
    await Promise.all(sessions.map(step))
    if (below(3) === 0) await world.deliver('INBOX', message())
  }
  for (const session of sessions) {
    await hear(session, 'NOOP')
    for (const { search, context } of session.followed) {
      const lines = await session.client.command(search.replace(/ ?UPDATE ?/, ''))
      const tag = (lines.at(-1) as string).split(' ')[0] as string
      expect(context.results, search).toEqual(resultsOf(lines, tag))
    }
    expect(await session.client.ok('NOOP')).toEqual([])
  }
})
