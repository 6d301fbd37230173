import { expect, it } from 'vitest'
import { CAPABILITIES, SWITCHABLE } from '../../../plugins/imap/capability-table.ts'
import { COMMANDS } from '../../../plugins/imap/commands.ts'
import { Offer, Offers } from '../../../plugins/imap/offer.ts'
import { imapOptions } from '../../../plugins/imap/options.ts'
import { imapWorld, mail } from './support/imap-world.ts'

/** A use of every word that belongs to a capability; each is answered OK while it is offered. */
const USES: Readonly<Record<string, string>> = {
  'STATUS HIGHESTMODSEQ': 'STATUS INBOX (HIGHESTMODSEQ)',
  'STATUS SIZE': 'STATUS INBOX (SIZE)',
  'STATUS APPENDLIMIT': 'STATUS INBOX (APPENDLIMIT)',
  'SELECT CONDSTORE': 'SELECT INBOX (CONDSTORE)',
  'SELECT QRESYNC': 'SELECT INBOX (QRESYNC (1 1))',
  'FETCH MODSEQ': 'FETCH 1 MODSEQ',
  'FETCH CHANGEDSINCE': 'FETCH 1 FLAGS (CHANGEDSINCE 1)',
  'FETCH VANISHED': 'UID FETCH 1 FLAGS (CHANGEDSINCE 1 VANISHED)',
  'STORE UNCHANGEDSINCE': 'STORE 1 (UNCHANGEDSINCE 9999999999999999) +FLAGS (x)',
  'SEARCH MODSEQ': 'SEARCH MODSEQ 1',
  'SEARCH RETURN': 'SEARCH RETURN (COUNT) ALL',
  'LIST CHILDREN': 'LIST "" "*" RETURN (CHILDREN)',
  'LIST SPECIAL-USE': 'LIST (SPECIAL-USE) "" "*"',
  'LIST EXTENDED': 'LIST "" ("*")',
  'LIST STATUS': 'LIST "" "*" RETURN (STATUS (MESSAGES))',
  'LIST MYRIGHTS': 'LIST "" "*" RETURN (MYRIGHTS)',
  'STATUS DELETED': 'STATUS INBOX (DELETED)',
  'STATUS DELETED-STORAGE': 'STATUS INBOX (DELETED-STORAGE)',
  'GETMETADATA MAILBOX': 'GETMETADATA INBOX /shared/comment',
  'LIST METADATA': 'LIST "" "*" RETURN (METADATA (/shared/comment))',
  'STATUS MAILBOXID': 'STATUS INBOX (MAILBOXID)',
  'FETCH EMAILID': 'FETCH 1 EMAILID',
  'FETCH THREADID': 'FETCH 1 THREADID',
  'FETCH SAVEDATE': 'FETCH 1 SAVEDATE',
  'FETCH PREVIEW': 'FETCH 1 PREVIEW',
  'SEARCH EMAILID': 'SEARCH EMAILID x',
  'SEARCH THREADID': 'SEARCH THREADID x',
  'SEARCH SAVEDBEFORE': 'SEARCH SAVEDBEFORE 1-Jan-2026',
  'SEARCH SAVEDON': 'SEARCH SAVEDON 1-Jan-2026',
  'SEARCH SAVEDSINCE': 'SEARCH SAVEDSINCE 1-Jan-2026',
  'SEARCH SAVEDATESUPPORTED': 'SEARCH SAVEDATESUPPORTED',
  'SEARCH YOUNGER': 'SEARCH YOUNGER 1',
  'SEARCH OLDER': 'SEARCH OLDER 1',
  'NOTIFY MAILBOXMETADATACHANGE': 'NOTIFY SET (personal (MailboxMetadataChange))',
  'NOTIFY SERVERMETADATACHANGE': 'NOTIFY SET (personal (ServerMetadataChange))',
  'FETCH BINARY': 'FETCH 1 BINARY.PEEK[1]',
  'APPEND BINARY': 'APPEND INBOX ~{6+}\r\nA: b\r\n',
  'SEQUENCE $': 'SEARCH $',
  'SEARCH FUZZY': 'SEARCH FUZZY TEXT x',
  'RETURN RELEVANCY': 'SEARCH RETURN (RELEVANCY) FUZZY TEXT x',
  'SORT RELEVANCY': 'SORT (RELEVANCY) UTF-8 FUZZY TEXT x',
  'RETURN SAVE': 'SEARCH RETURN (SAVE) ALL',
  'PARTIAL LAST': 'SEARCH RETURN (PARTIAL -1:-2) ALL',
  'RETURN CONTEXT': 'SEARCH RETURN (CONTEXT COUNT) ALL',
  'RETURN UPDATE': 'SEARCH RETURN (UPDATE COUNT) ALL',
  'SORT CONTEXT': 'SORT RETURN (CONTEXT COUNT) (DATE) UTF-8 ALL',
  'SORT UPDATE': 'SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL',
  'UPDATE ITEMS': 'SEARCH RETURN (UPDATE (UID) COUNT) ALL',
  'FETCH PARTIAL': 'UID FETCH 1:* FLAGS (PARTIAL 1:2)',
  'SORT RETURN': 'SORT RETURN (COUNT) (DATE) UTF-8 ALL',
  'SORT DISPLAYFROM': 'SORT (DISPLAYFROM) UTF-8 ALL',
  'SORT DISPLAYTO': 'SORT (DISPLAYTO) UTF-8 ALL',
  'THREAD ORDEREDSUBJECT': 'THREAD ORDEREDSUBJECT UTF-8 ALL',
  'THREAD REFERENCES': 'THREAD REFERENCES UTF-8 ALL',
  'THREAD REFS': 'THREAD REFS UTF-8 ALL',
  'SEARCH UIDAFTER': 'SEARCH UIDAFTER 1',
  'SEARCH UIDBEFORE': 'SEARCH UIDBEFORE 1',
  'APPEND CATENATE': 'APPEND INBOX CATENATE (URL "/INBOX/;UID=1")',
  'APPEND PARTIAL': 'APPEND INBOX CATENATE (URL "/INBOX/;UID=1/;PARTIAL=0.10")',
  'CREATE USE': 'CREATE x (USE (\\Archive))',
  'LITERAL +': `SEARCH TEXT {5000+}\r\n${'x'.repeat(5000)}`,
  'APPEND UTF8': 'APPEND INBOX UTF8 (~{6+}\r\nA: b\r\n)',
}

/** Words that stand before login, and are tried there. */
const BEFORE_LOGIN = /^AUTHENTICATE /

async function selected(disabled: readonly string[]) {
  const world = await imapWorld({ offers: new Offers(disabled) })
  await world.deliver('INBOX', mail('one'))
  await world.store.deleteMailbox(world.account, 'Archive')
  const client = await world.login()
  if (!disabled.includes('ENABLE') && !disabled.includes('CONDSTORE'))
    await client.command('ENABLE QRESYNC UTF8=ACCEPT')
  await client.ok('SELECT INBOX')
  return { world, client }
}

it.each(CAPABILITIES.filter(({ isFixed }) => !isFixed))('$name is gone wholly when it is switched off', async (row) => {
  const offer = new Offer([row.name])
  expect(offer.has(row.name)).toBe(false)
  const { world, client } = await selected([row.name])
  await using _ = world
  const capabilities = [...(await client.ok('CAPABILITY')), ...(await (await world.connect()).ok('CAPABILITY'))].map(
    (line) => `${line} `,
  )
  expect(capabilities.join(' ')).not.toMatch(
    new RegExp(` ${row.name.replace('+', '\\+')}${row.name.endsWith('=') ? '' : '(?:[ =]|$)'}`, 'm'),
  )
  // A command that several share goes with the last of them.
  const own = (row.commands ?? []).filter(
    (one) => CAPABILITIES.filter(({ commands }) => commands?.includes(one)).length === 1,
  )
  for (const command of own) {
    expect(COMMANDS.has(command), command).toBe(true)
    expect(await client.command(`${command} x`)).toEqual([expect.stringMatching(/^t\d+ BAD Unknown command$/)])
  }
  // As a word does.
  const words = (row.items ?? []).filter(
    (one) => !BEFORE_LOGIN.test(one) && CAPABILITIES.filter(({ items }) => items?.includes(one)).length === 1,
  )
  for (const item of words) {
    const use = USES[item] as string
    expect(use, item).toBeDefined()
    expect((await client.command(use)).at(-1), item).toMatch(/^t\d+ (BAD |NO \[BADEVENT )/)
    const { world: whole, client: other } = await selected([])
    await using __ = whole
    expect((await other.command(use)).at(-1), item).toMatch(/^t\d+ OK /)
  }
})

it('takes with a capability those that make no sense without it', () => {
  const offer = new Offer(['CONDSTORE', 'LIST-EXTENDED'])
  expect([offer.has('QRESYNC'), offer.has('LIST-STATUS'), offer.has('IDLE')]).toEqual([false, false, true])
})

it('says nothing of what is switched off in answers to other commands', async () => {
  const { world, client } = await selected(['UIDPLUS', 'CHILDREN', 'SPECIAL-USE', 'CONDSTORE', 'MULTIAPPEND'])
  await using _ = world
  expect((await client.ok('SELECT INBOX')).join()).not.toContain('MODSEQ')
  expect(await client.ok('LIST "" Sent')).toEqual(['* LIST () "/" "Sent"'])
  expect((await client.command('COPY 1 Sent')).at(-1)).toMatch(/OK Copy completed$/)
  expect((await client.command('MOVE 1 Sent')).join()).not.toContain('COPYUID')
  expect((await client.command('APPEND INBOX {5+}\r\nA: b\n')).at(-1)).toMatch(/OK Append completed$/)
  expect((await client.command('APPEND INBOX {5+}\r\nA: b\n {5+}\r\nA: b\n')).at(-1)).toMatch(/BAD/)
  expect(await client.ok('STATUS INBOX (MESSAGES)')).toEqual(['* STATUS "INBOX" (MESSAGES 1)'])
})

it('leaves a mechanism and the initial response out before login', async () => {
  await using world = await imapWorld({ offers: new Offers(['AUTH=PLAIN', 'SASL-IR']) })
  const client = await world.connect()
  const initial = Buffer.from('\0alice@example.test\0secret').toString('base64')
  expect(await client.command(`AUTHENTICATE LOGIN ${initial}`)).toEqual([expect.stringMatching(/BAD/)])
  expect(await client.command('AUTHENTICATE PLAIN')).toEqual([expect.stringMatching(/NO \[CANNOT\]/)])
})

it('offers less to clients that ID tells apart (RFC 2971)', async () => {
  const offers = new Offers(['IDLE'], [{ id: { name: /outlook/i, OS: 'Windows' }, disable: ['QRESYNC', 'MOVE'] }])
  await using world = await imapWorld({ offers })
  const client = await world.login()
  await client.ok('ENABLE QRESYNC')
  expect(await client.ok('ID ("name" "Outlook 16" "os" "macOS")')).toEqual(['* ID ("name" "mailserver")'])
  const [, told] = await client.ok('ID ("name" "Outlook 16" "os" "windows")')
  expect(told).toMatch(/^\* CAPABILITY IMAP4rev1 .* CONDSTORE/)
  expect(told).not.toMatch(/QRESYNC|MOVE|IDLE/)
  expect(await client.ok('ENABLE QRESYNC')).toEqual(['* ENABLED'])
  await client.ok('SELECT INBOX')
  expect(await client.command('MOVE 1 Sent')).toEqual([expect.stringMatching(/BAD Unknown command/)])
  const other = await world.login()
  expect((await other.ok('CAPABILITY'))[0]).toMatch(/ MOVE .* QRESYNC/)
})

it('takes from the config only names there are, in any case', () => {
  expect(imapOptions.parse({ disable: ['idle'] }).disable).toEqual(['IDLE'])
  expect(imapOptions.parse({ disable: ['COMPRESS', 'Quota', 'rights'] }).disable).toEqual([
    'COMPRESS=DEFLATE',
    'QUOTA',
    'RIGHTS=',
  ])
  expect(imapOptions.safeParse({ disable: [''] }).success).toBe(false)
  expect(imapOptions.safeParse({ disable: ['IMAP4rev1'] }).success).toBe(false)
  expect(imapOptions.safeParse({ clients: [{ id: { name: /x/ }, disable: ['NOTHING'] }] }).success).toBe(false)
  expect(imapOptions.parse({ clients: [{ id: { name: /x/ }, disable: ['MOVE'] }] }).clients).toHaveLength(1)
  expect(SWITCHABLE.has('LOGINDISABLED')).toBe(false)
})

it('knows windows of results as long as one of their two capabilities is there', async () => {
  const use = 'SEARCH RETURN (PARTIAL 1:2) ALL'
  for (const disabled of [['PARTIAL'], ['CONTEXT=SEARCH']]) {
    const { world, client } = await selected(disabled)
    await using _ = world
    expect((await client.command(use)).at(-1)).toMatch(/ OK /)
  }
  const { world, client } = await selected(['PARTIAL', 'CONTEXT=SEARCH'])
  await using _ = world
  expect((await client.command(use)).at(-1)).toMatch(/ BAD /)
})
