import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { foldText, type IndexedMailbox, type MailboxId, type SearchDocument, TEXT_BREAK } from 'mailserver'
import { expect, it } from 'vitest'
import { AccountIndex } from '../../../plugins/fts/account-index.ts'
import { encodeBatch } from '../../../plugins/fts/encoded-batch.ts'
import { scratch } from '../../support/peer.ts'

const MAILBOXES: readonly IndexedMailbox[] = ['m1', 'm2'].map((id) => ({ id: id as MailboxId, uidValidity: 1 }))

/** The same numbers at every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const pick = random(3)
const oneOf = <T>(list: readonly T[]): T => list[pick(list.length)] as T

const WORDS = [
  ...[
    'the',
    'then',
    'hen',
    'mail',
    'e-mail',
    'alice@example.org',
    'example.org',
    'a',
    'aa',
    'aaa',
    'aaaa',
    'x.y',
    '_',
    '-',
  ],
  ...[
    'größe',
    'straße',
    'σίσυφος',
    '日本語のメール',
    '中文信件',
    '👩‍👩‍👧',
    '🇩🇪',
    '\u{1f600}\u{1f601}',
    '\ufffd',
    '\ud83d',
    '\ude00',
  ],
  ...[
    '\0',
    'a\0b',
    TEXT_BREAK,
    '<p>',
    '"quoted"',
    '100%',
    "it's",
    'é',
    'e\u0301',
    '\u200b',
    'ẞ',
    'İ',
    'dž',
    '=?utf-8?q?x?=',
  ],
]
const GAPS = [' ', ' ', ' ', '\r\n', '\t', '', '', '. ', ', ', ':', '\r\n\r\n', '(', '/']

const text = (words: number): string =>
  foldText(
    Array.from({ length: words }, () => (pick(9) === 0 ? `id${pick(5000)}` : oneOf(WORDS)) + oneOf(GAPS)).join(''),
  )

it('finds what a look through every text finds, whatever came, went and was put together', { timeout: 120_000 }, () => {
  using folder = scratch('fts')
  const index = new AccountIndex(join(folder.path, 'one.sqlite'))
  const model = new Map(MAILBOXES.map((mailbox) => [mailbox, new Map<number, SearchDocument>()]))
  const through = new Map(MAILBOXES.map((mailbox) => [mailbox, 0]))
  let last = 0
  let [exact, open] = [0, 0]
  for (let step = 0; step < 400; step++) {
    const mailbox = oneOf(MAILBOXES)
    const there = model.get(mailbox) as Map<number, SearchDocument>
    const after = through.get(mailbox) as number
    const documents: SearchDocument[] = []
    const copies: { uid: number; id: string }[] = []
    let uid = after
    for (let count = pick(pick(8) === 0 ? 40 : 4); count > 0; count--) {
      uid += 1 + pick(2)
      const known = oneOf([...model.values()].flatMap((messages) => [...messages.values()].slice(-20)))
      if (known !== undefined && pick(4) === 0) {
        copies.push({ uid, id: known.id })
        there.set(uid, { ...known, uid })
        continue
      }
      last += 1
      const one = { uid, id: `d${last}`, header: text(pick(6)), body: text(pick(pick(20) === 0 ? 400 : 30)) }
      documents.push(one)
      there.set(uid, one)
    }
    index.index(mailbox, after, encodeBatch({ documents, copies, skipped: [], through: uid }).batch)
    through.set(mailbox, uid)
    if (pick(12) === 0) {
      const keeps = pick(10)
      for (const uid of [...there.keys()]) if (pick(10) > keeps) there.delete(uid)
      index.retain(mailbox, Uint32Array.from(there.keys()))
    }
    const searched = model.get(oneOf(MAILBOXES)) as Map<number, SearchDocument>
    const [[where] = []] = [...model].filter(([, messages]) => messages === searched)
    for (let turn = 0; turn < 6; turn++) {
      const source = oneOf([...searched.values(), { header: text(3), body: text(3) }])
      const whole = oneOf([source.header, source.body, text(2)])
      const from = pick(whole.length)
      const needle = whole.slice(from, from + 1 + pick(12))
      const within = oneOf(['text', 'body'] as const)
      if (needle === '' || where === undefined) continue
      const right = [...searched.values()]
        .filter(({ header, body }) => body.includes(needle) || (within === 'text' && header.includes(needle)))
        .map(({ uid }) => uid)
        .sort((a, b) => a - b)
      const [found] = index.search(where, [{ within, needle }]).candidates
      if (found === undefined) continue
      const uids = [...found.uids]
      if (found.isExact) expect(uids, JSON.stringify(needle)).toEqual(right)
      else expect(uids, JSON.stringify(needle)).toEqual(expect.arrayContaining(right))
      if (found.isExact) exact += 1
      else open += 1
      expect(uids).toEqual([...new Set(uids)].sort((a, b) => a - b))
    }
  }
  expect(exact).toBeGreaterThan(300)
  expect(open).toBeGreaterThan(300)
  index.close()
})

it('answers by its terms what has no gap, be it short, and leaves open what has one', () => {
  using folder = scratch('fts')
  const index = new AccountIndex(join(folder.path, 'one.sqlite'))
  const [mailbox] = MAILBOXES as [IndexedMailbox]
  const documents = ['the quick fox', 'quicker than', 'the fox is quick.', '中文信件 here'].map((body, at) => ({
    uid: at + 1,
    id: `d${at}`,
    header: '',
    body,
  }))
  index.index(mailbox, 0, encodeBatch({ documents, copies: [], skipped: [], through: 4 }).batch)
  const ask = (needle: string) => {
    const [found] = index.search(mailbox, [{ within: 'text', needle }]).candidates
    return found && [[...found.uids], found.isExact]
  }
  expect(ask('quick')).toEqual([[1, 2, 3], true])
  expect(ask('x')).toEqual([[1, 3], true])
  expect(ask('文信')).toEqual([[4], true])
  expect(ask('quick fox')).toEqual([[1], false])
  expect(ask('he fo')).toEqual([[1, 3], false])
  expect(ask('quicker fox')).toEqual([[], false])
  expect(ask(' ')).toBeUndefined()
  expect(ask('\ud83d')).toBeUndefined()
  index.close()
})

it('lets go of the terms of texts once most of those beside them have gone', () => {
  using folder = scratch('fts')
  const path = join(folder.path, 'one.sqlite')
  const index = new AccountIndex(path)
  const [mailbox] = MAILBOXES as [IndexedMailbox]
  const documents = Array.from({ length: 90 }, (_, at) => ({
    uid: at + 1,
    id: `d${at}`,
    header: `secret${at}`,
    body: `word${at}`,
  }))
  index.index(mailbox, 0, encodeBatch({ documents, copies: [], skipped: [], through: 90 }).batch)
  const terms = () => {
    using database = new DatabaseSync(path, { readOnly: true })
    return database
      .prepare('SELECT terms FROM blocks')
      .all()
      .flatMap((row) =>
        Buffer.from(row.terms as Uint8Array)
          .toString()
          .trim()
          .split('\n'),
      )
  }
  expect(terms().length).toBe(180)
  index.retain(
    mailbox,
    Uint32Array.from({ length: 30 }, (_, at) => 3 * at + 3),
  )
  expect(terms().length).toBe(60)
  const [found] = index.search(mailbox, [{ within: 'text', needle: 'secret' }]).candidates
  expect(found?.uids).toEqual(Uint32Array.from({ length: 30 }, (_, at) => 3 * at + 3))
  index.retainMailboxes([])
  expect(terms()).toEqual([])
  index.close()
})
