import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { indexMessage } from '../../src/mail/index-message.ts'
import { type ExportOptions, exportAccount } from '../../src/store/transfer/export-account.ts'
import { nameOf, pathOf } from '../../src/store/transfer/file-names.ts'
import { type ImportOptions, importAccount } from '../../src/store/transfer/import-account.ts'
import { ToCrlf, ToLf } from '../../src/store/transfer/line-ends.ts'
import { folderOf, mailboxOf } from '../../src/store/transfer/maildir-names.ts'
import { fromLine, parseFromLine } from '../../src/store/transfer/mbox-status.ts'
import { decodeModifiedUtf7, encodeModifiedUtf7 } from '../../src/store/transfer/modified-utf7.ts'
import { type Verified, verifyStore } from '../../src/store/verify/verify-store.ts'
import { scratch } from '../support/peer.ts'
import { ALICE, type SmallStore, smallStore } from './support/small-store.ts'

const out = (small: SmallStore, path: string, options: Partial<ExportOptions> & Pick<ExportOptions, 'format'>) =>
  exportAccount(small.context, ALICE, path, { onLost: () => {}, ...options })

const into = (small: SmallStore, path: string, options: Partial<ImportOptions> = {}) =>
  importAccount(small.context, small.store, ALICE, path, { maxBytes: 1e9, onSkipped: () => {}, ...options })

/** What of an account goes through files: names, flags, dates, octets. */
async function seen({ store }: SmallStore) {
  const mailboxes: Record<string, object[]> = {}
  for (const { id, name } of await store.mailboxes(ALICE)) {
    const messages: object[] = []
    for await (const states of store.states(ALICE, id)) {
      for (const { uid, flags, internalDate } of states) {
        const text = (await store.read(ALICE, id, uid)).toString('latin1')
        messages.push({ flags: [...flags].sort(), at: Math.floor(internalDate / 1000), text })
      }
    }
    if (messages.length > 0) mailboxes[name] = messages
  }
  return mailboxes
}

const BODIES = [
  'From here on\r\n>From there\r\n>>From both\r\n From not\r\nFromage\r\n',
  '\r\n\r\nFrom x@example.test Sun Nov 22 05:15:58 2026\r\n\r\nend\r\n\r\n\r\n',
  `${'x'.repeat(3_000_000)}\r\nFrom a long one\r\n`,
  'caf\u00c3\u00a9 \u0000\r\n',
]

async function filled(): Promise<SmallStore> {
  const small = await smallStore()
  const { store, blobs } = small
  for (const name of ['Entwürfe/Übung', 'A & B', 'dots.in.name', 'x.eml']) await store.createMailbox(ALICE, name)
  const flags = [
    [],
    ['\\Seen'],
    ['\\Answered', '\\Flagged', '$Forwarded', 'Wichtig'],
    ['\\Draft', '\\Deleted', 'later'],
  ]
  for (const [at, body] of BODIES.entries()) {
    const bytes = Buffer.from(`Return-Path: <a${at}@example.test>\r\nSubject: ${at}\r\n\r\n${body}`, 'latin1')
    const blob = await blobs.write(bytes)
    const internalDate = Date.UTC(2001, at, 29, 12, 30, 15)
    const name = ['INBOX', 'Entwürfe/Übung', 'INBOX', 'dots.in.name'][at] as string
    await store.append(ALICE, await small.id(name), [
      { blob, index: indexMessage(bytes), flags: flags[at] as string[], internalDate },
    ])
  }
  await small.add('A & B', 'one', ['\\Seen'])
  await small.add('x.eml', 'two')
  return small
}

describe.each(['maildir', 'mbox', 'eml'] as const)('%s', (format) => {
  test('keeps octets, flags, keywords, dates and names, there and back', async () => {
    using dir = scratch('transfer')
    const small = await filled()
    const path = join(dir.path, 'out')
    expect(await out(small, path, { format })).toMatchObject({ messages: 6, lost: 0 })
    const other = await smallStore()
    expect(await into(other, path)).toMatchObject({ imported: 6, present: 0, skipped: 0 })
    expect(await seen(other)).toEqual(await seen(small))
    const findings: Verified[] = []
    await verifyStore(other.context, {}, (finding) => void findings.push(finding))
    expect(findings).toEqual([])

    // Given again, nothing comes twice; what is missing comes.
    expect(await into(other, path)).toMatchObject({ imported: 0, present: 6 })
    await other.store.expunge(ALICE, await other.id('INBOX'), [1])
    expect(await into(other, path)).toMatchObject({ imported: 1, present: 5 })
    await into(other, path, { into: 'Old' })
    expect(Object.keys(await seen(other))).toContain('Old/Entwürfe/Übung')
    await expect(out(small, path, { format })).rejects.toMatchObject({ code: 'INVALID' })
  })

  test('writes one mailbox alone, and leaves out a message whose bytes are damaged', async () => {
    using dir = scratch('transfer')
    const small = await filled()
    const path = join(dir.path, 'out')
    const lost: object[] = []
    const [record] = await small.store.records(ALICE, await small.id('INBOX'), [1])
    await small.blobs.release(record?.blob as never)
    const done = await out(small, path, { format, mailboxes: ['INBOX'], onLost: (one) => void lost.push(one) })
    expect(done).toMatchObject({ messages: 1, lost: 1, mailboxes: 1 })
    expect(lost).toEqual([expect.objectContaining({ mailbox: 'INBOX', uid: 1 })])
    await expect(out(small, join(dir.path, 'no'), { format, mailboxes: ['No'] })).rejects.toMatchObject({
      code: 'MAILBOX_NOT_FOUND',
    })
  })
})

test('an mbox file as others write it: LF, mboxo, Mozilla flags, no mbox at all', async () => {
  using dir = scratch('transfer')
  const path = join(dir.path, 'archive')
  const small = await smallStore()
  const text = [
    'From MAILER-DAEMON Thu Jan  1 00:00:00 1970',
    'X-IMAP: 1 1',
    'Subject: DO NOT DELETE',
    '',
    'internal',
    '',
    'From bob@example.test Sat Feb 29 12:30:15 2020 +0200',
    'Subject: a',
    'Status: RO',
    'X-Mozilla-Status: 0006',
    'Content-Length: 3',
    '',
    '>From me',
    'From you to me without a date',
    '',
    'From - Mon Mar  1 01:02:03 2021',
    'X-Mozilla-Status: 0009',
    '',
    'expunged',
    '',
    'From - Mon Mar  1 01:02:04 2021',
    'Subject: empty',
    '',
    '',
    '',
  ]
  writeFileSync(path, text.join('\n'))
  expect(await into(small, path, { mailbox: 'Archive/2020' })).toMatchObject({ imported: 2 })
  expect((await seen(small))['Archive/2020']).toEqual([
    {
      flags: ['\\Answered', '\\Flagged', '\\Seen'],
      at: Date.UTC(2020, 1, 29, 10, 30, 15) / 1000,
      text: 'Subject: a\r\n\r\nFrom me\r\nFrom you to me without a date\r\n',
    },
    { flags: [], at: Date.UTC(2021, 2, 1, 1, 2, 4) / 1000, text: 'Subject: empty\r\n\r\n' },
  ])
  writeFileSync(path, 'no mbox\n'.repeat(1000))
  expect(await into(small, path)).toMatchObject({ imported: 0 })
  writeFileSync(path, '')
  expect(await into(small, path)).toMatchObject({ imported: 0 })
  await expect(into(small, join(dir.path, 'missing'))).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('an mbox that is cut anywhere is read the same in pieces of any size', async () => {
  using dir = scratch('transfer')
  const small = await smallStore()
  const path = join(dir.path, 'many.mbox')
  const messages = Array.from(
    { length: 40 },
    (_, at) => `Subject: ${at}\n\n${'y'.repeat(at * 5_003)}\n${'\n'.repeat(at)}`,
  )
  writeFileSync(path, messages.map((text, at) => `${fromLine('x@example.test', at * 1000)}${text}\n`).join(''))
  expect(await into(small, path, { mailbox: 'INBOX' })).toMatchObject({ imported: 40 })
  const { INBOX = [] } = await seen(small)
  expect(INBOX.map((one) => (one as { text: string }).text)).toEqual(
    messages.map((text) => text.replaceAll('\n', '\r\n')),
  )
  writeFileSync(path, `${fromLine('x', 0)}\n${'\n'.repeat(3_000_000)}`)
  expect(await into(small, path, { mailbox: 'Empty lines' })).toMatchObject({ imported: 1 })
})

test('.eml files without a sidecar have the time of their file, and directories are mailboxes', async () => {
  using dir = scratch('transfer')
  const small = await smallStore()
  mkdirSync(join(dir.path, 'Work', 'Bills'), { recursive: true })
  const file = join(dir.path, 'Work', 'Bills', 'bill.EML')
  writeFileSync(file, 'Subject: bill\n\npay\n')
  utimesSync(file, 1_000_000, 1_000_000)
  writeFileSync(join(dir.path, 'Work', 'empty.eml'), '')
  writeFileSync(join(dir.path, 'Work', 'messages.json'), '{"mine":true}')
  const skipped: object[] = []
  const done = await into(small, dir.path, { onSkipped: (one) => void skipped.push(one) })
  expect(done).toMatchObject({ imported: 1, skipped: 1 })
  expect(await seen(small)).toEqual({
    'Work/Bills': [{ flags: [], at: 1_000_000, text: 'Subject: bill\r\n\r\npay\r\n' }],
  })
  expect(skipped).toEqual([{ source: join(dir.path, 'Work', 'empty.eml'), text: 'it is empty' }])
})

test('limits hold: a message that is too large is left out, and a quota ends the import with what came in', async () => {
  using dir = scratch('transfer')
  const small = await filled()
  await out(small, join(dir.path, 'out'), { format: 'eml' })
  const other = await smallStore()
  const skipped: { text: string }[] = []
  const done = await into(other, join(dir.path, 'out'), {
    maxBytes: 10_000,
    onSkipped: (one) => void skipped.push(one),
  })
  expect(done).toMatchObject({ imported: 5, skipped: 1 })
  expect(skipped[0]?.text).toBe('it has more than 10000 octets')
  await other.store.setQuota(ALICE, { maxMessages: 5 })
  await expect(into(other, join(dir.path, 'out'))).rejects.toMatchObject({ code: 'OVER_QUOTA' })
})

test('sessions are told of what comes in, and Ctrl-C leaves whole messages', async () => {
  using dir = scratch('transfer')
  const small = await filled()
  await out(small, join(dir.path, 'out'), { format: 'maildir' })
  const other = await smallStore()
  const events: string[] = []
  const end = other.store.watch(ALICE, (event) => events.push(event.kind))
  const stop = new AbortController()
  const work = into(other, join(dir.path, 'out'), {
    signal: stop.signal,
    onProgress: ({ done }) => {
      if (done === 4) stop.abort(new Error('stop'))
    },
  })
  await expect(work).rejects.toThrow('stop')
  expect(await into(other, join(dir.path, 'out'))).toMatchObject({ skipped: 0 })
  end()
  expect(events).toContain('appended')
  expect(await seen(other)).toEqual(await seen(small))
})

test('names and line ends, both ways', () => {
  for (const name of ['INBOX', 'Sent', 'Entwürfe/Übung', 'A & B', '日本語/\u{1f4e7}', 'a.b/c', 'INBOX/Sub']) {
    expect(name === 'INBOX' ? name : mailboxOf(folderOf(name))).toBe(name)
    expect(decodeModifiedUtf7(encodeModifiedUtf7(name))).toBe(name)
    expect(nameOf(pathOf(name))).toBe(name)
  }
  // RFC 3501 section 5.1.3
  expect(encodeModifiedUtf7('~peter/mail/台北/日本語')).toBe('~peter/mail/&U,BTFw-/&ZeVnLIqe-')
  expect(pathOf('x.eml/..y')).not.toMatch(/\.eml|\/\./)
  expect(parseFromLine(fromLine('a b', 951_827_415_000).trimEnd())).toBe(951_827_415_000)
  const text = 'a\r\nb\nc\rd\r\n\n'
  for (let cut = 0; cut <= text.length; cut++) {
    const pieces = [Buffer.from(text.slice(0, cut)), Buffer.from(text.slice(cut))]
    const crlf = new ToCrlf()
    expect(Buffer.concat(pieces.map((piece) => crlf.convert(piece))).toString()).toBe('a\r\nb\r\nc\rd\r\n\r\n')
    const lf = new ToLf()
    expect(Buffer.concat([...pieces.map((piece) => lf.convert(piece)), lf.end()]).toString()).toBe('a\nb\nc\rd\n\n')
  }
})

test('an export is its owner’s alone', async () => {
  using dir = scratch('transfer')
  const small = await filled()
  await out(small, join(dir.path, 'out'), { format: 'mbox' })
  const names = readdirSync(join(dir.path, 'out'), { recursive: true }).map(String)
  expect(names.filter((name) => name.endsWith('.mbox')).toSorted()).toContain('INBOX.mbox')
  expect(readFileSync(join(dir.path, 'out', 'INBOX.mbox'), 'latin1')).toMatch(
    /^From a0@example\.test Mon Jan 29 12:30:15 2001\n[\s\S]*X-IMAPbase: \d+ \d+ \$Forwarded Wichtig\nStatus: O\nX-UID: 1\n\n>From here on\n>>From there\n/,
  )
})
