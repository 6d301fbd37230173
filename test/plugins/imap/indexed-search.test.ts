import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type AccountId, foldText, indexMessage, type MailboxId, type SearchIndex, searchText } from 'mailserver'
import { memorySearchIndex } from 'mailserver/testing'
import { describe, expect, it } from 'vitest'
import { FtsIndex } from '../../../plugins/fts/fts-index.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { silentLog } from '../../../src/kernel/log.ts'
import { IndexFeed } from '../../../src/store/search/index-feed.ts'
import { scratch } from '../../support/peer.ts'
import { imapWorld, mail, type World } from './support/imap-world.ts'
import type { TestClient } from './support/test-client.ts'

const DATA = new URL('../../../../shared/data/messages/', import.meta.url)
const never = new AbortController().signal

/** A switch in front of an index: off, everything is read. */
function switchable(index: SearchIndex): { readonly index: SearchIndex; isOn: boolean } {
  const state = { isOn: true, index }
  state.index = new Proxy(index, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name === 'search' && !state.isOn) return () => Promise.reject(new Error('switched off'))
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return state
}

function feedOf(world: World, index: SearchIndex): IndexFeed {
  return new IndexFeed(world.context, world.store, index)
}

const results = async (client: TestClient, search: string): Promise<string> =>
  (await client.ok(`UID SEARCH ${search}`)).find((line) => line.startsWith('* SEARCH')) as string

function realMessages(): Buffer[] {
  if (!existsSync(DATA)) return []
  return readdirSync(DATA, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)))
    .filter((bytes) => bytes.length > 0)
}

/** The same numbers at every run. */
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const literal = (text: string): string => {
  const octets = Buffer.from(text)
  return `{${octets.length}+}\r\n${octets.toString('latin1')}`
}

const PIECES = [
  ...[
    'the',
    'quick',
    'quicker',
    'mail',
    'alice@example.org',
    'x.y-z_',
    'a',
    '100 %',
    '<p class="x">',
    '=?utf-8?q?no_word?=',
  ],
  ...[
    'größe',
    'STRASSE ẞ',
    'ΣΊΣΥΦΟΣ',
    'İstanbul',
    '日本語のメール',
    '中文信件',
    '👩‍👩‍👧',
    '\u{1f600}',
    'e\u0301',
    '\ufffd',
    '\u0001',
  ],
]

/** A message as programs and hostile people write it: parts, charsets and encodings in any mixture. */
function message(pick: (below: number) => number): Buffer {
  const words = (count: number, gaps: readonly string[]): string =>
    Array.from({ length: count }, () => `${PIECES[pick(PIECES.length)]}${gaps[pick(gaps.length)]}`).join('')
  const word = (text: string): string =>
    pick(2) === 0
      ? `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`
      : `=?UTF-8?q?${[...Buffer.from(text)].map((octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join('')}?=`
  const quoted = (octets: Buffer): string =>
    [...octets]
      .map((octet, at) => {
        const isPlain = octet > 32 && octet < 127 && octet !== 61
        const one = isPlain ? String.fromCharCode(octet) : `=${octet.toString(16).toUpperCase().padStart(2, '0')}`
        return at % 20 === 19 ? `${one}=\r\n` : one
      })
      .join('')
  const subject = [
    () => words(4, [' ', '\r\n ', ' \r\n\t', ', ']),
    () => `${word(words(2, [' ']))}\r\n ${word(words(2, [' ', '']))} ${words(1, [' '])}`,
  ][pick(2)]?.()
  const part = (): string => {
    const text = Buffer.from(words(pick(40), [' ', ' ', '\r\n', '', '. ', '\r\n\r\n', ', ']))
    const type = ['text/plain; charset=utf-8', 'text/html', 'TEXT/plain; charset="iso-8859-1"', 'application/pdf'][
      pick(4)
    ]
    const [encoding, body] = (
      [
        ['8bit', text.toString('latin1')],
        ['quoted-printable', quoted(text)],
        ['base64', text.toString('base64').replace(/.{40}/g, '$&\r\n')],
      ] as const
    )[pick(3)] as readonly [string, string]
    return `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${body}`
  }
  const head = `From: alice@example.org\r\nSubject: ${Buffer.from(subject ?? '').toString('latin1')}\r\n`
  const whole =
    pick(2) === 0
      ? `${head}${part()}`
      : `${head}Content-Type: multipart/mixed; boundary=b\r\n\r\n${['', part(), part()].join('\r\n--b\r\n')}\r\n--b--\r\n`
  return Buffer.from(whole, 'latin1')
}

/** Searches with and without the index, and wants the same answer, while mail comes, goes and moves. */
async function compare(messages: readonly Buffer[], seed: number, steps: number): Promise<void> {
  using folder = scratch('fts')
  const driver = new FtsIndex(folder.path)
  const lever = switchable(driver)
  await using world = await imapWorld({ index: lever.index })
  const client = await world.login()
  await client.ok('CREATE Other')
  const feed = feedOf(world, driver)
  const texts: string[] = []
  for (const octets of messages) {
    const text = await searchText({ octets, index: indexMessage(octets) })
    texts.push(text?.header ?? '', text?.body ?? '')
  }
  const pick = random(seed)
  const needle = (): string => {
    const text = texts[pick(texts.length)] as string
    const from = pick(Math.max(1, text.length - 10))
    // What IMAP has no way to send; lines are ended as IMAP ends them.
    const piece = text.slice(from, from + 1 + pick(12)).replaceAll('\0', ' ')
    return (piece.toWellFormed() || 'x').replaceAll('\ufffd', '?')
  }
  await client.ok('SELECT INBOX')
  let compared = 0
  for (let step = 0; step < steps; step++) {
    const action = pick(6)
    if (action <= 1) {
      const some = Array.from({ length: 1 + pick(12) }, () => messages[pick(messages.length)] as Buffer)
      await world.deliver(pick(3) === 0 ? 'Other' : 'INBOX', ...some)
    }
    if (action === 2) await feed.turn(never)
    if (action === 3) await client.command(`UID COPY ${1 + pick(60)}:${1 + pick(60)} Other`)
    if (action === 4) await client.command(`UID MOVE ${1 + pick(60)} Other`)
    if (action === 5) {
      await client.ok(`SELECT ${pick(2) === 0 ? 'INBOX' : 'Other'}`)
      await client.ok(`UID STORE ${1 + pick(80)} +FLAGS (\\Deleted)`)
      await client.ok('EXPUNGE')
    }
    const key = () => `${pick(2) === 0 ? 'TEXT' : 'BODY'} ${literal(needle())}`
    const search = [key(), `NOT ${key()}`, `OR ${key()} ${key()}`, `${key()} ${key()}`][pick(4)] as string
    lever.isOn = true
    const indexed = await results(client, `CHARSET UTF-8 ${search}`)
    lever.isOn = false
    expect(indexed, search).toBe(await results(client, `CHARSET UTF-8 ${search}`))
    if (indexed !== '* SEARCH') compared += 1
  }
  expect(compared).toBeGreaterThan(5)
  feed.close()
  await driver.close()
}

describe.skipIf(!existsSync(DATA))('with the messages of ../shared/data', () => {
  it('answers as if it read everything, while mail comes, goes and moves', { timeout: 120_000 }, async () => {
    await compare(realMessages(), 7, 60)
  })
})

it('answers as if it read everything, whatever stands in the messages', { timeout: 120_000 }, async () => {
  const pick = random(11)
  await compare(
    Array.from({ length: 150 }, () => message(pick)),
    5,
    250,
  )
})

it('gives others their turn while it reads the mail', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  const text = 'words that are many\r\n'.repeat(5_000)
  await world.deliver('INBOX', ...Array.from({ length: 30 }, (_, at) => mail(`number ${at}`, text)))
  const feed = feedOf(world, driver)
  let turns = 0
  let timer = setImmediate(function count() {
    turns += 1
    timer = setImmediate(count)
  })
  await feed.turn(never)
  clearImmediate(timer)
  expect((await driver.figures(world.account)).messages).toBe(30)
  // At the least one for each half megabyte.
  expect(turns).toBeGreaterThanOrEqual((30 * text.length) / (512 * 1024))
  feed.close()
})

it('reads nothing that the index decides', async () => {
  const driver = memorySearchIndex()
  let reads = 0
  await using world = await imapWorld({
    index: driver,
    wrapBlobs: (blobs) =>
      new Proxy(blobs, {
        get(target, name) {
          if (name === 'read' || name === 'readMany' || name === 'stream') reads += 1
          const value = Reflect.get(target, name) as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
  })
  await world.deliver('INBOX', mail('one', 'the quick fox'), mail('two', 'the lazy dog'))
  const feed = feedOf(world, driver)
  await feed.turn(never)
  const client = await world.login()
  await client.ok('SELECT INBOX')
  reads = 0
  expect(await results(client, 'TEXT "LAZY"')).toBe('* SEARCH 2')
  expect(await results(client, 'NOT BODY "quick"')).toBe('* SEARCH 2')
  expect(await results(client, 'BODY "subject: one"')).toBe('* SEARCH')
  expect(reads).toBe(0)
  // What came since is read.
  await world.deliver('INBOX', mail('three', 'another lazy one'))
  expect(await results(client, 'TEXT "lazy"')).toBe('* SEARCH 2 3')
  expect(reads).toBeGreaterThan(0)
  feed.close()
})

it('passes over what cannot be read, and indexes what comes behind it', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  await world.deliver('INBOX', ...['one', 'two', 'three', 'four', 'five'].map((word) => mail(word, `text of ${word}`)))
  const inbox = await world.idOf('INBOX')
  for (const [, blob] of await world.store.blobs(world.account, inbox, [1, 3, 5])) await world.blobs.release(blob)
  const feed = feedOf(world, driver)
  await feed.turn(never)
  expect(await driver.figures(world.account)).toEqual({ messages: 2, skipped: 3, octets: 0 })
  const mailbox = (await world.store.mailboxes(world.account)).find(({ id }) => id === inbox)
  expect(mailbox && (await driver.coverage(world.account, mailbox))).toEqual({
    through: 5,
    skipped: new Set([1, 3, 5]),
  })
  const client = await world.login()
  await client.ok('SELECT INBOX')
  expect(await results(client, 'BODY "text of"')).toBe('* SEARCH 2 4')
  feed.close()
})

it('reads everything when the index fails', async () => {
  const fails = new Proxy(memorySearchIndex(), { get: () => () => Promise.reject(new Error('broken')) })
  await using world = await imapWorld({ index: fails })
  await world.deliver('INBOX', mail('one', 'the quick fox'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  expect(await results(client, 'TEXT quick')).toBe('* SEARCH 1')
})

it('lets go of what is gone: messages, mailboxes, accounts', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  let now = 0
  const context = { ...world.context, clock: { ...systemClock, now: () => now }, log: silentLog }
  const feed = new IndexFeed(context, world.store, driver)
  const client = await world.login()
  await client.ok('CREATE Other')
  await world.deliver('INBOX', mail('one'), mail('two'))
  await world.deliver('Other', mail('three'))
  await feed.turn(never)
  expect((await driver.figures(world.account)).messages).toBe(3)
  await client.ok('SELECT INBOX')
  await client.ok('UID STORE 1 +FLAGS (\\Deleted)')
  await client.ok('EXPUNGE')
  await client.ok('DELETE Other')
  await feed.turn(never)
  expect((await driver.figures(world.account)).messages).toBe(1)
  await world.store.removeAccount(world.account)
  now += 60_000
  await feed.turn(never)
  expect(await driver.figures(world.account)).toEqual({ messages: 0, skipped: 0, octets: 0 })
  feed.close()
})

it('lets go of accounts that went while nothing looked', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  const gone = 'gone' as AccountId
  const mailbox = { id: 'm1' as MailboxId, uidValidity: 1 }
  await driver.index(gone, mailbox, 0, { documents: [], copies: [], skipped: [1], through: 1 })
  const feed = feedOf(world, driver)
  await feed.turn(never)
  expect((await driver.coverage(gone, mailbox)).through).toBe(0)
  feed.close()
})

it('indexes the mail of others when an index fails, and leaves that one alone for a while', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  await world.deliver('INBOX', mail('one'))
  let now = 0
  let isFull = true
  let tries = 0
  const failing = new Proxy(driver, {
    get(target, name) {
      const value = Reflect.get(target, name) as (...args: unknown[]) => unknown
      return (account: AccountId, ...args: unknown[]) => {
        if (name === 'retainMailboxes') asked.add(account)
        if (name === 'index' && account === world.account) {
          tries += 1
          if (isFull) return Promise.reject(new Error('no room'))
        }
        return value.call(target, account, ...args)
      }
    },
  })
  const asked = new Set<AccountId>()
  const context = { ...world.context, clock: { ...systemClock, now: () => now } }
  const feed = new IndexFeed(context, world.store, failing)
  await expect(feed.turn(never)).rejects.toThrow('no room')
  // It is the first of five.
  expect(asked.size).toBeGreaterThan(2)
  now += 10_000
  await feed.turn(never)
  expect(tries).toBe(1)
  isFull = false
  now += 30_000
  await feed.turn(never)
  expect(tries).toBe(2)
  expect((await driver.figures(world.account)).messages).toBe(1)
  feed.close()
})

it('hears of mail for every account while it makes an index anew, and of none afterwards', async () => {
  const driver = memorySearchIndex()
  await using world = await imapWorld({ index: driver })
  await world.deliver('INBOX', mail('one'))
  const heard = new Set<AccountId>()
  const ever = new Set<AccountId>()
  const store = new Proxy(world.store, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown
      if (name !== 'watch') return typeof value === 'function' ? value.bind(target) : value
      return (account: AccountId, listener: () => void) => {
        heard.add(account)
        ever.add(account)
        const stop = target.watch(account, listener)
        return () => {
          heard.delete(account)
          stop()
        }
      }
    },
  })
  const feed = new IndexFeed(world.context, store, driver)
  await feed.rebuild(world.account, never, () => {})
  expect((await driver.figures(world.account)).messages).toBe(1)
  expect(ever.size).toBeGreaterThan(1)
  expect(ever).toContain('account-bob')
  expect(heard.size).toBe(0)
  feed.close()
})

it('folds what it keeps as a search folds what it looks for', async () => {
  const octets = Buffer.from(
    'Subject: =?utf-8?q?GR=C3=96=C3=9FE?= \u03a3\u039f\u03a6\u039f\u03a3\r\n\r\nBody \u03a3\u0391\u03a3\r\n',
  )
  const text = await searchText({ octets, index: indexMessage(octets) })
  expect(text?.header).toContain(foldText('Größe'))
  expect(text?.body).toBe(foldText('BODY σας\r\n'))
})
