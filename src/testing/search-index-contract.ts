import assert from 'node:assert/strict'
import { foldText } from '../mail/fold-text.ts'
import type { AccountId, MailboxId } from '../store/mail-store.ts'
import type { IndexBatch, IndexedMailbox, SearchDocument, SearchIndex } from '../store/search-index.ts'
import type { ContractTest } from './contract.ts'

/** An empty index to check, and how to end it. */
export interface OpenedSearchIndex {
  readonly index: SearchIndex
  close(): Promise<void>
}

type Check = (index: SearchIndex) => Promise<void>

const ALICE = 'a1' as AccountId
const BOB = 'b2' as AccountId
const INBOX: IndexedMailbox = { id: 'm1' as MailboxId, uidValidity: 7 }
const OTHER: IndexedMailbox = { id: 'm2' as MailboxId, uidValidity: 8 }

const document = (uid: number, body: string, header = 'subject: x', id = `d${uid}`): SearchDocument => ({
  uid,
  id,
  header: foldText(header),
  body: foldText(body),
})

function batch(through: number, parts: Partial<IndexBatch>): IndexBatch {
  return { documents: [], copies: [], skipped: [], ...parts, through }
}

/** UIDs that may have it; undefined when the index cannot say. */
async function find(
  index: SearchIndex,
  needle: string,
  within: 'text' | 'body' = 'text',
  mailbox = INBOX,
  account = ALICE,
): Promise<number[] | undefined> {
  const { candidates } = await index.search(account, mailbox, [{ within, needle: foldText(needle) }])
  const [found] = candidates
  return found && [...found.uids]
}

const TEXTS = [
  'plain words of ascii, "quoted" and (bracketed)',
  'Größe, Straße, ΣΊΣΥΦΟΣ, İstanbul, dž',
  '日本語のメールと中文信件',
  'emoji 👩‍👩‍👧 🇩🇪 and \u{1f600}\u{1f601}',
  'a\0b\0c nul, \u0001 break, \ufffd replaced',
  'half \ud83d of a pair, and the other \ude00',
  'a* OR b AND NOT c NEAR(d) ^e -f {header} : "" """',
  'line\r\nbreak\tand tab',
  '',
  'ab',
]

const CHECKS: readonly (readonly [title: string, check: Check])[] = [
  [
    'knows nothing of what it was never told',
    async (index) => {
      assert.deepEqual(await index.coverage(ALICE, INBOX), { through: 0, skipped: new Set() })
      assert.deepEqual(await index.known(ALICE, ['x']), new Set())
      const { through, candidates } = await index.search(ALICE, INBOX, [{ within: 'text', needle: 'word' }])
      assert.equal(through, 0)
      assert.equal(candidates.length, 1)
      assert.deepEqual([...(candidates[0]?.uids ?? [])], [])
      await index.retain(ALICE, INBOX, Uint32Array.of(1))
      await index.retainMailboxes(ALICE, [])
      await index.retainAccounts([ALICE])
      await index.clear(ALICE)
      const { messages, skipped } = await index.figures(ALICE)
      assert.deepEqual([messages, skipped], [0, 0])
    },
  ],
  [
    'finds every text that has the needle, whatever its characters, and exactly those where it says so',
    async (index) => {
      const documents = TEXTS.map((text, at) => document(at + 1, text, `Subject: ${text}`))
      await index.index(ALICE, INBOX, 0, batch(documents.length, { documents }))
      const needles = new Set<string>()
      for (const text of TEXTS.map(foldText)) {
        for (let from = 0; from < text.length; from++) {
          for (const length of [1, 2, 3, 4, 7, 20]) needles.add(text.slice(from, from + length))
        }
      }
      for (const needle of needles) {
        for (const within of ['text', 'body'] as const) {
          const answer = await index.search(ALICE, INBOX, [{ within, needle }])
          const [found] = answer.candidates
          if (found === undefined) continue
          const right = documents.filter(
            ({ header, body }) => body.includes(needle) || (within === 'text' && header.includes(needle)),
          )
          const uids = right.map(({ uid }) => uid)
          const told = [...found.uids]
          assert.deepEqual(
            told,
            [...told].sort((a, b) => a - b),
          )
          if (found.isExact) assert.deepEqual(told, uids, JSON.stringify(needle))
          for (const uid of uids) assert.ok(told.includes(uid), `${JSON.stringify(needle)} in ${uid}`)
        }
      }
      assert.deepEqual(await find(index, 'words of'), [1])
    },
  ],
  [
    'answers several queries at once, in their order',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(2, { documents: [document(1, 'first one'), document(2, 'second one')] }))
      const { candidates } = await index.search(ALICE, INBOX, [
        { within: 'body', needle: 'second' },
        { within: 'body', needle: 'nowhere' },
        { within: 'text', needle: 'subject: x' },
        { within: 'body', needle: 'subject: x' },
      ])
      assert.deepEqual(
        candidates.map((found) => found && [...found.uids]),
        [[2], [], [1, 2], []],
      )
    },
  ],
  [
    'says how far it is, and what it passed over',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(5, { documents: [document(2, 'hello')], skipped: [4] }))
      assert.deepEqual(await index.coverage(ALICE, INBOX), { through: 5, skipped: new Set([4]) })
      await index.index(ALICE, INBOX, 5, batch(9, { documents: [document(9, 'hello again')] }))
      const answer = await index.search(ALICE, INBOX, [{ within: 'text', needle: 'hello' }])
      assert.equal(answer.through, 9)
      assert.deepEqual(answer.skipped, new Set([4]))
      const { messages, skipped } = await index.figures(ALICE)
      assert.deepEqual([messages, skipped], [2, 1])
    },
  ],
  [
    'takes no batch that does not follow what it has',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(5, { documents: [document(5, 'first')] }))
      for (const after of [0, 4, 6])
        await index.index(ALICE, INBOX, after, batch(8, { documents: [document(8, 'late')] }))
      assert.equal((await index.coverage(ALICE, INBOX)).through, 5)
      assert.deepEqual(await find(index, 'late'), [])
    },
  ],
  [
    'keeps the text of copies once and finds each of them, as long as one is left',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(1, { documents: [document(1, 'shared text', 'subject: x', 'same')] }))
      assert.deepEqual(await index.known(ALICE, ['same', 'not there']), new Set(['same']))
      assert.deepEqual(await index.known(BOB, ['same']), new Set())
      await index.index(ALICE, OTHER, 0, batch(6, { copies: [{ uid: 6, id: 'same' }] }))
      assert.deepEqual(await find(index, 'shared', 'text', OTHER), [6])
      await index.retain(ALICE, INBOX, Uint32Array.of())
      assert.deepEqual(await find(index, 'shared'), [])
      assert.deepEqual(await find(index, 'shared', 'text', OTHER), [6])
      await index.retain(ALICE, OTHER, Uint32Array.of())
      assert.deepEqual(await index.known(ALICE, ['same']), new Set())
    },
  ],
  [
    'counts a copy whose text has gone meanwhile as one that is not known',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(3, { copies: [{ uid: 3, id: 'never there' }] }))
      assert.deepEqual(await index.coverage(ALICE, INBOX), { through: 3, skipped: new Set([3]) })
    },
  ],
  [
    'lets go of messages and of mailboxes, and stays as far as it was',
    async (index) => {
      const documents = [document(1, 'word one'), document(2, 'word two'), document(3, 'word three')]
      await index.index(ALICE, INBOX, 0, batch(3, { documents }))
      await index.index(ALICE, OTHER, 0, batch(4, { documents: [document(4, 'word four')] }))
      await index.retain(ALICE, INBOX, Uint32Array.of(1, 3, 77))
      assert.deepEqual(await find(index, 'word'), [1, 3])
      assert.equal((await index.coverage(ALICE, INBOX)).through, 3)
      await index.retainMailboxes(ALICE, [OTHER.id])
      assert.deepEqual(await index.coverage(ALICE, INBOX), { through: 0, skipped: new Set() })
      assert.deepEqual(await find(index, 'word'), [])
      assert.deepEqual(await find(index, 'word', 'text', OTHER), [4])
    },
  ],
  [
    'begins anew with a mailbox whose UIDs begin anew',
    async (index) => {
      await index.index(ALICE, INBOX, 0, batch(3, { documents: [document(3, 'old text')] }))
      const anew = { ...INBOX, uidValidity: 99 }
      assert.equal((await index.coverage(ALICE, anew)).through, 0)
      assert.deepEqual(await find(index, 'old text', 'text', anew), [])
      await index.index(ALICE, anew, 0, batch(2, { documents: [document(2, 'new text', 'subject: y', 'n2')] }))
      assert.deepEqual(await find(index, 'text', 'text', anew), [2])
      assert.deepEqual(await find(index, 'text'), [])
    },
  ],
  [
    'keeps accounts apart, and throws one away alone, or all but some',
    async (index) => {
      for (const account of [ALICE, BOB]) {
        await index.index(account, INBOX, 0, batch(1, { documents: [document(1, `mail of ${account}`)] }))
      }
      assert.deepEqual(await find(index, `of ${BOB}`), [])
      await index.clear(ALICE)
      assert.equal((await index.coverage(ALICE, INBOX)).through, 0)
      assert.deepEqual(await find(index, 'mail of', 'text', INBOX, BOB), [1])
      await index.index(ALICE, INBOX, 0, batch(1, { documents: [document(1, 'once more')] }))
      assert.deepEqual(await find(index, 'once more'), [1])
      await index.retainAccounts([BOB, 'c3' as AccountId])
      assert.equal((await index.coverage(ALICE, INBOX)).through, 0)
      assert.deepEqual(await find(index, 'once more'), [])
      assert.deepEqual(await find(index, 'mail of', 'text', INBOX, BOB), [1])
    },
  ],
]

/** What every SearchIndex promises. Run each test with a function that opens an empty one. */
export const searchIndexContract: readonly ContractTest<OpenedSearchIndex>[] = CHECKS.map(([title, check]) => ({
  title,
  async run(open) {
    const opened = await open()
    try {
      await check(opened.index)
    } finally {
      await opened.close()
    }
  },
}))
