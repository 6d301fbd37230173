import { afterAll, beforeAll, expect, it } from 'vitest'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const SEEDS = [
  'CAPABILITY',
  'NOOP',
  'ID ("name" "x" "version" NIL)',
  'ENABLE CONDSTORE',
  'SELECT INBOX',
  'EXAMINE {5+}\r\nINBOX',
  'CREATE Work/{x}',
  'DELETE Work',
  'RENAME Work "Wörk"',
  'SUBSCRIBE "a\\"b"',
  'LIST "" "%/*"',
  'LSUB "" *',
  'STATUS INBOX (MESSAGES UIDNEXT)',
  'APPEND INBOX (\\Seen $x) "01-Jan-2026 00:00:00 +0000" {12+}\r\nSubject: x\r\n',
  'CHECK',
  'SEARCH CHARSET UTF-8 OR (TEXT "x" NOT UNSEEN) HEADER Subject {3+}\r\nabc',
  'UID SEARCH SINCE 1-Jan-2026 LARGER 10 KEYWORD $x 1:*',
  'FETCH 1:3,5,* (FLAGS UID BODY.PEEK[1.2.HEADER.FIELDS (A B)]<0.100> RFC822.SIZE ENVELOPE)',
  'UID FETCH 1:* (BODY[] BODYSTRUCTURE)',
  'STORE 1 +FLAGS.SILENT (\\Deleted $y)',
  'UID STORE 1:* FLAGS ()',
  'COPY 1:2 Sent',
  'UID MOVE 2 Trash',
  'EXPUNGE',
  'UID EXPUNGE 1:*',
  'NAMESPACE',
  'CLOSE',
  'UNSELECT',
  'LOGIN a b',
  'AUTHENTICATE PLAIN AGEAYg==',
  'APPEND INBOX (\\Seen) CATENATE (URL "/INBOX/;UID=1/;SECTION=1.MIME" TEXT {3+}\r\nabc URL ";UID=2/;PARTIAL=1.9")',
  'UID REPLACE 3 INBOX CATENATE (TEXT {6+}\r\nA: b\r\n)',
  'REPLACE 1 INBOX {12+}\r\nSubject: x\r\n',
  'ENABLE UIDONLY QRESYNC',
  'UIDBATCHES 500 1:2',
  'GETJMAPACCESS',
  'XLIST "" "%"',
  'UID SEARCH RETURN (SAVE MIN COUNT) UIDBEFORE 4 UIDAFTER 1',
  'UID FETCH $ (FLAGS) (PARTIAL -1:-2)',
  'UID SORT RETURN (PARTIAL 1:2) (REVERSE DATE) UTF-8 ALL',
  'UID THREAD REFERENCES UTF-8 ALL',
  'UID SEARCH RETURN (RELEVANCY ALL) FUZZY (SUBJECT helo BODY "a b c")',
  'SORT RETURN (RELEVANCY PARTIAL 1:2) (RELEVANCY DATE) UTF-8 FUZZY NOT TEXT x',
  'UID SEARCH RETURN (UPDATE (UID FLAGS) COUNT CONTEXT) UNSEEN BODY x',
  'SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 UNDELETED',
  'CANCELUPDATE "t1" "f3"',
  'ESEARCH IN (selected mailboxes (Sent INBOX)) RETURN (UPDATE PARTIAL -1:-2) ALL',
  'SELECT INBOX (QRESYNC (1 1 1:4 (1:4 1:4)))',
  'GETMETADATA (DEPTH 1) INBOX /shared/comment',
  'NOTIFY SET (selected (MessageNew (FLAGS) MessageExpunge)) (personal (MailboxName))',
]

const ROUNDS = 4000
const PIECES = [
  '"',
  '(',
  ')',
  '{',
  '}',
  '{5}',
  '{3+}\r\n',
  '\\',
  '*',
  '%',
  ' ',
  '\0',
  '\x7f',
  '\xff',
  '1:',
  ',',
  '<',
  '[',
  ']',
  '&',
  '~{2+}\r\n',
]

let world: World
const unhandled: unknown[] = []
const onUnhandled = (reason: unknown) => void unhandled.push(reason)

beforeAll(async () => {
  process.on('unhandledRejection', onUnhandled)
  world = await imapWorld({ limits: { badCommands: 1_000_000, skipBytes: 10_000_000, stallTimeoutMs: 2_000 } })
  await world.deliver('INBOX', mail('1'), mail('2'), mail('3'), mail('4'), mail('5'))
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  process.off('unhandledRejection', onUnhandled)
})

/** A generator of its own, so that a failure can be played again. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * below)
  }
}

function mutated(text: string, below: (below: number) => number): string {
  let out = text
  for (let times = 1 + below(3); times > 0; times--) {
    const at = below(out.length + 1)
    const piece = PIECES[below(PIECES.length)] as string
    switch (below(5)) {
      case 0:
        out = out.slice(0, at) + piece + out.slice(at)
        break
      case 1:
        out = out.slice(0, at) + out.slice(at + 1 + below(4))
        break
      case 2:
        out = out.slice(0, at)
        break
      case 3:
        out = out.slice(0, at) + String.fromCharCode(below(256)) + out.slice(at + 1)
        break
      default: {
        const other = SEEDS[below(SEEDS.length)] as string
        out = out.slice(0, at) + other.slice(below(other.length))
      }
    }
  }
  return out
}

it('answers thousands of mutated commands, and nothing breaks', async () => {
  const below = random(20260501)
  let client: TestClient | undefined
  let answered = 0
  for (let round = 0; round < ROUNDS; round++) {
    if (client === undefined || client.hasEnded) {
      client = await world.login()
      if (below(2) === 0) await client.ok('SELECT INBOX')
    }
    const tag = `f${round}`
    const text = mutated(SEEDS[below(SEEDS.length)] as string, below)
    // A line end and a NOOP behind it: whatever the mutation opened, the answers must come in the end.
    client.send(`${tag} ${text}\r\n`)
    for (;;) {
      client.send(`${tag}n NOOP\r\n`)
      const line = await client.line().catch(() => undefined)
      if (line === undefined) break
      const lines = [line]
      const isDone = () =>
        lines.some((one) => one.startsWith(`${tag} `) || one.startsWith(`${tag}n `) || /^\* (BYE|BAD)/.test(one))
      while (!isDone() && !line.startsWith('+')) {
        const next = await client.line().catch(() => undefined)
        if (next === undefined) break
        lines.push(next)
      }
      if (isDone() || client.hasEnded) {
        answered += 1
        break
      }
    }
    // A literal that the mutation announced may have swallowed the NOOP: a new client then.
    if (below(8) === 0 || !(await isInStep(client, round))) {
      client.close()
      client = undefined
    }
  }
  client?.close()
  expect(answered).toBeGreaterThan(ROUNDS * 0.95)
  expect(unhandled).toEqual([])
  const last = await world.login()
  expect(await last.ok('NOOP')).toEqual([])
}, 120_000)

it('lives through whole sessions of commands in any order, several clients at a time', async () => {
  const below = random(20260502)
  const faults: string[] = []
  for (let round = 0; round < 40; round++) {
    const clients = await Promise.all([world.login(), world.login()])
    for (let step = 0; step < 60; step++) {
      const client = clients[below(clients.length)] as TestClient
      const seed = below(4) === 0 ? 'SELECT INBOX' : (SEEDS[below(SEEDS.length)] as string)
      if (client.hasEnded) break
      const lines = await client.command(seed)
      if (/SERVERBUG|UNAVAILABLE|Internal error/.test(lines.join())) faults.push(`${seed}: ${lines.at(-1)}`)
      if (below(20) === 0) await world.deliver('INBOX', mail(`${round}`))
    }
    for (const client of clients) client.close()
  }
  expect(faults).toEqual([])
  expect(unhandled).toEqual([])
}, 120_000)

/** Does the client get its answers again? */
async function isInStep(client: TestClient, round: number): Promise<boolean> {
  if (client.hasEnded) return false
  client.send(`s${round} NOOP\r\n`)
  for (let lines = 0; lines < 2000; lines++) {
    const line = await client.line(300).catch(() => undefined)
    if (line === undefined) return false
    if (line.startsWith(`s${round} `)) return true
  }
  return false
}
