import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { type AccountId, indexMessage, type MailboxId, type MessageState } from 'mailserver'
import { memoryBlobStore, memoryEngine } from 'mailserver/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { eventually, scratch } from '../../support/peer.ts'
import { type OpenedMaildir, openMaildir } from './open-maildir.ts'

const alice = 'alice' as AccountId
const text = (subject: string) => `Subject: ${subject}\nFrom: a@example.test\n\nhello ${subject}\n`

let directory: ReturnType<typeof scratch>
let mail: OpenedMaildir
let root: string

const open = () => openMaildir({ engine: memoryEngine(), blobs: memoryBlobStore(), path: directory.path })
const inbox = async () => (await mail.store.mailbox(alice, 'INBOX')).id
async function states(mailbox: MailboxId): Promise<MessageState[]> {
  const all: MessageState[] = []
  for await (const batch of mail.store.states(alice, mailbox)) all.push(...batch)
  return all
}
async function append(mailbox: MailboxId, subject: string, flags: string[] = []): Promise<number> {
  const octets = Buffer.from(text(subject).replaceAll('\n', '\r\n'))
  const blob = await mail.blobs.write(octets)
  const [one] = await mail.store.append(alice, mailbox, [
    { blob, index: indexMessage(octets), flags, internalDate: Date.UTC(2026, 0, 2) },
  ])
  return one?.uid as number
}
/** As a delivery agent does it: written in tmp, then renamed to new. */
function deliver(folder: string, name: string, subject: string): void {
  writeFileSync(join(root, folder, 'tmp', name), text(subject))
  renameSync(join(root, folder, 'tmp', name), join(root, folder, 'new', name))
}
const files = (folder: string) =>
  ['new', 'cur'].flatMap((place) => readdirSync(join(root, folder, place)).map((name) => `${place}/${name}`)).sort()
const one = (folder: string) => {
  const [only, ...others] = files(folder)
  expect(others).toEqual([])
  return only as string
}

beforeEach(async () => {
  directory = scratch('maildir-outside')
  root = join(directory.path, alice)
  mail = await open()
  await mail.store.createAccount(alice)
  await mail.keeper.settle(alice)
})
afterEach(async () => {
  await mail.close()
  directory[Symbol.dispose]()
})

describe('what the server does', () => {
  it('lies in the Maildir with LF, its date, its sizes and its flags', async () => {
    const id = await inbox()
    await append(id, 'plain')
    await append(id, 'flagged', ['\\Seen', '\\Flagged', 'Work'])
    await mail.keeper.settle(alice)
    const [cur, fresh] = files('')
    expect(cur).toMatch(/^cur\/\d+\.M\w+\.mail\.example\.test,S=\d+,W=\d+:2,FSa$/)
    expect(fresh).toMatch(/^new\/\d+\.M\w+\.mail\.example\.test,S=\d+,W=\d+$/)
    const path = join(root, fresh as string)
    expect(readFileSync(path, 'utf8')).toBe(text('plain'))
    expect(statSync(path).mtimeMs).toBe(Date.UTC(2026, 0, 2))
    expect(Number(/S=(\d+)/.exec(path)?.[1])).toBe(statSync(path).size)
    expect(readFileSync(join(root, 'dovecot-keywords'), 'utf8')).toBe('0 Work\n')
    const { uidValidity } = await mail.store.status(alice, id)
    expect(readFileSync(join(root, 'dovecot-uidlist'), 'utf8')).toMatch(
      new RegExp(`^3 V${uidValidity} N\\d+ G[0-9a-f]{32}\n1 :\\S+,S=\\d+,W=\\d+\n2 :\\S+\n$`),
    )
    expect((await mail.store.read(alice, id, 1)).toString()).toBe(text('plain').replaceAll('\n', '\r\n'))
  })

  it('keeps octets that LF alone could not bring back', async () => {
    const id = await inbox()
    for (const body of ['a\nb\r\n', 'a\r\r\nb\r\n', '\n', '', 'no end', `${'x'.repeat(1_200_000)}\r\nbare\nlf\r\n`]) {
      const octets = Buffer.from(`Subject: x\r\n\r\n${body}`)
      const index = indexMessage(octets)
      const [appended] = await mail.store.append(alice, id, [
        { blob: await mail.blobs.write(octets), index, flags: [], internalDate: 0 },
      ])
      await mail.keeper.settle(alice)
      const uid = appended?.uid as number
      expect((await mail.store.read(alice, id, uid)).equals(octets), JSON.stringify(body.slice(-30))).toBe(true)
      expect((await mail.store.read(alice, id, uid, { start: 5, end: 17 })).equals(octets.subarray(5, 17))).toBe(true)
    }
  })

  it('reads many at once, in their order, and delivers all before one that is gone', async () => {
    const id = await inbox()
    for (let at = 0; at < 40; at++) await append(id, `many ${at}`)
    await mail.keeper.settle(alice)
    const refs = (
      await mail.store.records(
        alice,
        id,
        Array.from({ length: 40 }, (_, at) => at + 1),
      )
    ).map(({ blob }) => blob)
    const read: string[] = []
    for await (const batch of mail.blobs.readMany(refs)) read.push(...batch.map(([, bytes]) => bytes.toString()))
    expect(read.map((one) => /^Subject: (.*)\r/.exec(one)?.[1])).toEqual(refs.map((_, at) => `many ${at}`))
    const gone = refs[20]?.replace(/[^/]*$/, 'nothing') as (typeof refs)[number]
    const before: string[] = []
    const all = async () => {
      for await (const batch of mail.blobs.readMany([...refs.slice(0, 20), gone, ...refs.slice(20)])) {
        before.push(...batch.map(([ref]) => ref))
      }
    }
    await expect(all()).rejects.toMatchObject({ code: 'NOT_FOUND' })
    expect(before).toEqual(refs.slice(0, 20))
  })

  it('keeps mail that cannot be written, lets it be read, and writes it later', async () => {
    const id = await inbox()
    rmSync(join(root, 'tmp'), { recursive: true })
    writeFileSync(join(root, 'tmp'), 'in the way')
    const uid = await append(id, 'waits')
    await mail.keeper.settle(alice)
    expect((await mail.store.read(alice, id, uid)).toString()).toContain('hello waits')
    expect(files('')).toEqual([])
    rmSync(join(root, 'tmp'))
    mkdirSync(join(root, 'tmp'))
    await eventually(() => files('').length === 1)
    expect((await mail.store.read(alice, id, uid)).toString()).toContain('hello waits')
    expect((await states(id)).map((state) => state.uid)).toEqual([uid])
  })

  it('renames, moves, copies and removes files', async () => {
    const id = await inbox()
    const uid = await append(id, 'walks')
    await mail.store.setFlags(alice, id, [uid], { mode: 'add', flags: ['\\Answered'] })
    await mail.keeper.settle(alice)
    expect(one('')).toMatch(/^cur\/.*:2,R$/)
    const trash = (await mail.store.mailbox(alice, 'Trash')).id
    await mail.store.move(alice, id, [uid], trash)
    await mail.store.copy(alice, trash, [1], id)
    await mail.keeper.settle(alice)
    const [here, there] = [one(''), one('.Trash')]
    expect(statSync(join(root, here)).ino).toBe(statSync(join(root, '.Trash', there)).ino)
    await mail.store.expunge(alice, trash, [1])
    await mail.keeper.settle(alice)
    expect(files('.Trash')).toEqual([])
  })

  it('makes, renames and removes folders, in modified UTF-7', async () => {
    await mail.store.createMailbox(alice, 'Entwürfe/a.b')
    await mail.keeper.settle(alice)
    expect(readdirSync(root)).toEqual(expect.arrayContaining(['.Entw&APw-rfe', '.Entw&APw-rfe.a&AC4-b']))
    const deep = (await mail.store.mailbox(alice, 'Entwürfe/a.b')).id
    await append(deep, 'deep')
    await mail.store.renameMailbox(alice, 'Entwürfe', 'Neu')
    await mail.keeper.settle(alice)
    expect(files('.Neu.a&AC4-b')).toHaveLength(1)
    expect((await mail.store.read(alice, deep, 1)).toString()).toContain('hello deep')
    await mail.store.deleteMailbox(alice, 'Neu/a.b')
    await mail.keeper.settle(alice)
    expect(existsSync(join(root, '.Neu.a&AC4-b'))).toBe(false)
    expect(existsSync(join(root, '.Neu'))).toBe(true)
  })

  it('writes subscriptions and quota', async () => {
    await mail.store.setSubscribed(alice, 'Liste/Unter', true)
    await mail.store.setQuota(alice, { maxBytes: 5_000, maxMessages: 10 })
    await append(await inbox(), 'counted')
    await mail.keeper.settle(alice)
    expect(readFileSync(join(root, 'subscriptions'), 'utf8')).toMatch(/^V\t2\n\n(?:.*\n)*Liste\tUnter\n/)
    const size = (await mail.store.quota(alice)).usedBytes
    const lines = readFileSync(join(root, 'maildirsize'), 'utf8').trim().split('\n')
    expect(lines[0]).toBe('5000S,10C')
    const sum = lines.slice(1).reduce((total, line) => total + Number(line.split(' ')[0]), 0)
    expect(sum).toBe(size)
  })
})

describe('what other programs do', () => {
  it('comes into an open mailbox within a second', async () => {
    const id = await inbox()
    const events: string[] = []
    const end = mail.store.watch(alice, ({ kind }) => events.push(kind))
    await eventually(async () => (await states(id)).length === 0)
    const began = performance.now()
    deliver('', '1700000000.1.other', 'by an agent')
    await eventually(() => events.includes('appended'), 5_000)
    expect(performance.now() - began).toBeLessThan(2_000)
    const uid = (await states(id))[0]?.uid as number
    expect((await mail.store.read(alice, id, uid)).toString()).toBe(text('by an agent').replaceAll('\n', '\r\n'))
    renameSync(join(root, 'new/1700000000.1.other'), join(root, 'cur/1700000000.1.other:2,FS'))
    await eventually(async () => (await states(id))[0]?.flags.length === 2, 5_000)
    expect((await states(id))[0]?.flags).toEqual(['\\Flagged', '\\Seen'].sort((a) => (a === '\\Seen' ? -1 : 1)))
    rmSync(join(root, 'cur/1700000000.1.other:2,FS'))
    await eventually(() => events.includes('expunged'), 5_000)
    expect(await states(id)).toEqual([])
    end()
  })

  it('counts on files of any name, and leaves alone what is none', async () => {
    const id = await inbox()
    const names = ['ünïcode', 'with space', '1:2,', '1.x,S=5,W=9', 'quote\'"%2F', 'a'.repeat(240)]
    for (const name of names) writeFileSync(join(root, 'cur', name), text(name))
    writeFileSync(join(root, 'cur', '.hidden'), 'x')
    writeFileSync(join(root, 'cur', 'line\nbreak'), 'x')
    mkdirSync(join(root, 'cur', 'directory'))
    writeFileSync(join(directory.path, 'secret'), text('secret'))
    symlinkSync(join(directory.path, 'secret'), join(root, 'cur', 'link'))
    await mail.keeper.settle(alice)
    const found = await states(id)
    expect(found).toHaveLength(names.length)
    for (const { uid, size } of found) expect((await mail.store.read(alice, id, uid)).length).toBe(size)
  })

  it('does not follow folders out of the Maildir', async () => {
    const elsewhere = join(directory.path, 'elsewhere')
    for (const place of ['cur', 'new', 'tmp']) mkdirSync(join(elsewhere, place), { recursive: true })
    writeFileSync(join(elsewhere, 'cur', '1.secret'), text('secret'))
    symlinkSync(elsewhere, join(root, '.Away'))
    mkdirSync(join(root, '.Half'))
    symlinkSync(join(elsewhere, 'cur'), join(root, '.Half', 'cur'))
    await mail.keeper.settle(alice)
    const names = (await mail.store.mailboxes(alice)).map(({ name }) => name)
    expect(names).not.toContain('Away')
    expect(names).not.toContain('Half')
  })

  it('and what is in the place of a folder holds up nobody, and gets no mail', async () => {
    const elsewhere = join(directory.path, 'elsewhere')
    for (const place of ['cur', 'new', 'tmp']) mkdirSync(join(elsewhere, place), { recursive: true })
    symlinkSync(elsewhere, join(root, '.Away'))
    writeFileSync(join(root, '.File'), 'no folder')
    for (const name of ['Away', 'File']) {
      await mail.store.createMailbox(alice, name)
      await append((await mail.store.mailbox(alice, name)).id, `in ${name}`)
    }
    await mail.store.renameMailbox(alice, 'Archive', 'Away/File')
    await append(await inbox(), 'in INBOX')
    await eventually(async () => (await mail.mirrored.waiting()).length === 0)
    for (const place of ['cur', 'new', 'tmp']) expect(readdirSync(join(elsewhere, place))).toEqual([])
    expect(readFileSync(join(root, '.File'), 'utf8')).toBe('no folder')
    for (let look = 0; look < 2; look++) await mail.keeper.settle(alice)
    expect((await mail.store.mailboxes(alice)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(['Away', 'Away/File', 'File']),
    )
    expect((await mail.store.mailboxes(alice)).filter(({ name }) => name.includes('_'))).toEqual([])
    await mail.store.deleteMailbox(alice, 'File')
    await mail.keeper.settle(alice)
    expect(readdirSync(root).filter((name) => name.startsWith('.File'))).toEqual(['.File'])
  })

  it('gives a flag no room in a name, and holds up nobody by it', async () => {
    const id = await inbox()
    deliver('', `5.${'x'.repeat(250)}`, 'long')
    await mail.keeper.settle(alice)
    await mail.store.setFlags(alice, id, [1], { mode: 'add', flags: ['\\Seen'] })
    await append(id, 'next')
    await eventually(async () => (await mail.mirrored.waiting()).length === 0)
    expect(await mail.store.read(alice, id, 2).then(String)).toContain('next')
  })

  it('takes folders that appear and lets go those that vanish', async () => {
    for (const place of ['cur', 'new', 'tmp']) mkdirSync(join(root, '.Lists.a&AOk-', place), { recursive: true })
    writeFileSync(join(root, '.Lists.a&AOk-', 'cur', '1.x:2,S'), text('in a folder'))
    await mail.keeper.settle(alice)
    const { id } = await mail.store.mailbox(alice, 'Lists/aé')
    expect((await states(id)).map(({ flags }) => flags)).toEqual([['\\Seen']])
    rmSync(join(root, '.Lists.a&AOk-'), { recursive: true })
    await mail.keeper.settle(alice)
    expect((await mail.store.mailboxes(alice)).map(({ name }) => name)).not.toContain('Lists/aé')
  })

  it('do not bring back a folder that was just deleted', async () => {
    await mail.store.createMailbox(alice, 'Going')
    await mail.keeper.settle(alice)
    rmSync(join(root, 'tmp'), { recursive: true })
    writeFileSync(join(root, 'tmp'), 'in the way')
    await mail.store.deleteMailbox(alice, 'Going')
    await mail.keeper.settle(alice)
    expect(existsSync(join(root, '.Going'))).toBe(true)
    expect((await mail.store.mailboxes(alice)).map(({ name }) => name)).not.toContain('Going')
    rmSync(join(root, 'tmp'))
    mkdirSync(join(root, 'tmp'))
    await mail.keeper.settle(alice)
    expect(existsSync(join(root, '.Going'))).toBe(false)
  })

  it('expunges nothing when the Maildir itself is not there', async () => {
    const id = await inbox()
    await append(id, 'stays')
    await mail.keeper.settle(alice)
    renameSync(root, `${root}.away`)
    await mail.keeper.settle(alice)
    expect(await states(id)).toHaveLength(1)
    await append(id, 'comes meanwhile')
    rmSync(root, { recursive: true, force: true })
    renameSync(`${root}.away`, root)
    await eventually(() => mail.keeper.settle(alice).then(() => files('').length === 2), 8_000)
    expect(await states(id)).toHaveLength(2)
  })

  it('puts right a message that a crash left in two places, and keeps two of one name', async () => {
    const id = await inbox()
    writeFileSync(join(root, 'new', '1.same'), text('same'))
    linkSync(join(root, 'new', '1.same'), join(root, 'cur', '1.same:2,S'))
    writeFileSync(join(root, 'new', '2.twin'), text('first'))
    writeFileSync(join(root, 'cur', '2.twin:2,'), text('second'))
    await mail.keeper.settle(alice)
    await mail.keeper.settle(alice)
    expect(files('')).toHaveLength(3)
    expect(await states(id)).toHaveLength(3)
  })

  it('wins over a flag that a session changes in the same moment only where it changed', async () => {
    const id = await inbox()
    const uid = await append(id, 'both', ['\\Seen'])
    await mail.keeper.settle(alice)
    const file = join(root, one(''))
    await Promise.all([
      mail.store.setFlags(alice, id, [uid], { mode: 'add', flags: ['\\Answered'] }),
      Promise.resolve().then(() => renameSync(file, file.replace(/:2,.*/, ':2,FS'))),
    ])
    await eventually(async () => {
      await mail.keeper.settle(alice)
      return (await states(id))[0]?.flags.length === 3 && one('').endsWith(':2,FRS')
    })
  })
})

describe('a mailbox whose name is too long for a directory', () => {
  it('has a folder of another name, is renamed and deleted, and holds up nobody', async () => {
    const name = 'Длинное имя, '.repeat(10).trim()
    await mail.store.createMailbox(alice, name)
    const { id } = await mail.store.mailbox(alice, name)
    await append(id, 'within')
    await append(await inbox(), 'in INBOX')
    await eventually(async () => (await mail.mirrored.waiting()).length === 0)
    for (let look = 0; look < 2; look++) await mail.keeper.settle(alice)
    expect((await mail.store.mailboxes(alice)).map((mailbox) => mailbox.name)).toContain(name)
    const folder = readdirSync(root).find((each) => each.includes('~')) as string
    expect(readdirSync(join(root, folder, 'new'))).toHaveLength(1)
    await mail.store.renameMailbox(alice, name, 'Short')
    await mail.keeper.settle(alice)
    expect(readdirSync(join(root, '.Short', 'new'))).toHaveLength(1)
    await mail.store.renameMailbox(alice, 'Short', name)
    await mail.store.deleteMailbox(alice, name)
    await mail.keeper.settle(alice)
    expect(readdirSync(root).filter((each) => /~|Short/.test(each))).toEqual([])
    expect((await states(await inbox())).length).toBe(1)
  })
})

describe('a message that another program flags while it is copied', () => {
  it('keeps its flag, and so does the copy', async () => {
    const id = await inbox()
    const uid = await append(id, 'one')
    await mail.keeper.settle(alice)
    const archive = (await mail.store.mailbox(alice, 'Archive')).id
    const [name = ''] = readdirSync(join(root, 'new'))
    renameSync(join(root, 'new', name), join(root, 'cur', `${name}:2,F`))
    await mail.store.copy(alice, id, [uid], archive)
    await mail.keeper.settle(alice)
    expect((await states(id)).map(({ flags }) => flags)).toEqual([['\\Flagged']])
    expect((await states(archive)).map(({ flags }) => flags)).toEqual([['\\Flagged']])
  })
})

describe('a uidlist', () => {
  const uids = async (id: MailboxId) => (await states(id)).map(({ uid }) => uid)

  it('gives its UIDs to an account that is new here', async () => {
    await mail.close()
    rmSync(root, { recursive: true })
    for (const place of ['cur', 'new', 'tmp']) mkdirSync(join(root, place), { recursive: true })
    for (const name of ['1.a:2,S', '1.b:2,', '1.c:2,Fa']) writeFileSync(join(root, 'cur', name), text(name))
    writeFileSync(join(root, 'dovecot-keywords'), '0 $Label1\n')
    writeFileSync(
      join(root, 'dovecot-uidlist'),
      '3 V1500000000 N100 G0123456789abcdef0123456789abcdef\n7 :1.a\n9 S3 :1.b:2,S\n9 :1.c\nnonsense\n50 :1.gone\n',
    )
    writeFileSync(join(root, 'subscriptions'), 'V\t2\n\nINBOX\nOther\tBox\n')
    mail = await open()
    await mail.store.createAccount(alice)
    await mail.keeper.settle(alice)
    const id = await inbox()
    expect((await mail.store.status(alice, id)).uidValidity).toBe(1_500_000_000)
    // The UID that is given twice belongs to the first; the other message gets the next.
    expect(await uids(id)).toEqual([7, 9, 100])
    expect((await states(id)).map(({ flags }) => flags)).toEqual([['\\Seen'], [], ['\\Flagged', '$Label1']])
    expect(await mail.store.subscriptions(alice)).toEqual(expect.arrayContaining(['INBOX', 'Other/Box']))
    expect(readFileSync(join(root, 'dovecot-uidlist'), 'utf8')).toContain('G0123456789abcdef0123456789abcdef')
    expect(await append(id, 'next')).toBe(101)
  })

  it('survives an index that is thrown away', async () => {
    const id = await inbox()
    for (let at = 0; at < 5; at++) await append(id, `m${at}`, at % 2 ? ['\\Seen', 'Kept'] : [])
    await mail.store.expunge(alice, id, [2, 5])
    await mail.keeper.settle(alice)
    const before = { ...(await mail.store.status(alice, id)), highestModSeq: 0n, recent: 0 }
    const flags = (await states(id)).map(({ uid, flags }) => [uid, flags])
    await mail.close()
    mail = await open()
    await mail.store.createAccount(alice)
    await mail.keeper.settle(alice)
    const again = await inbox()
    expect({ ...(await mail.store.status(alice, again)), highestModSeq: 0n, recent: 0 }).toEqual(before)
    expect((await states(again)).map(({ uid, flags }) => [uid, flags])).toEqual(flags)
  })

  it.each([
    ['a UIDVALIDITY that is lower', '3 V5 N9 G0123456789abcdef0123456789abcdef\n3 :nothing\n'],
    ['nonsense', '3 Vabc\n\u0000\u0001'],
    ['nothing', ''],
  ])('with %s does not make UIDs fall', async (_title, list) => {
    const id = await inbox()
    await append(id, 'first')
    await append(id, 'second')
    await mail.keeper.settle(alice)
    const { uidValidity } = await mail.store.status(alice, id)
    writeFileSync(join(root, 'dovecot-uidlist'), list)
    deliver('', '5.new', 'third')
    await mail.keeper.settle(alice)
    const after = await mail.store.status(alice, id)
    expect(after.uidValidity).toBeGreaterThanOrEqual(uidValidity)
    expect(await uids(id)).toEqual([1, 2, after.uidNext - 1])
    await mail.keeper.settle(alice)
    expect(readFileSync(join(root, 'dovecot-uidlist'), 'utf8')).toMatch(new RegExp(`^3 V${after.uidValidity} `))
  })

  it.each([
    ['that names a process which is gone', `999999999:${hostname()}`],
    ['with no name in it', ''],
  ])('is written in spite of a lock that a crash left behind, %s', async (_title, holder) => {
    const id = await inbox()
    writeFileSync(join(root, 'dovecot-uidlist.lock'), holder)
    await append(id, 'locked')
    await eventually(() => readFileSync(join(root, 'dovecot-uidlist'), 'utf8').includes('\n1 :'))
    await eventually(() => !existsSync(join(root, 'dovecot-uidlist.lock')))
  })

  it('takes a UID that another program has given, when it is above all others', async () => {
    const id = await inbox()
    await append(id, 'first')
    await mail.keeper.settle(alice)
    appendFileSync(join(root, 'dovecot-uidlist'), '17 :9.lda\n')
    deliver('', '9.lda', 'by dovecot-lda')
    await mail.keeper.settle(alice)
    expect(await uids(id)).toEqual([1, 17])
  })

  it('and what Dovecot gives in the same moment never lead from one UID to two messages', async () => {
    const id = await inbox()
    await append(id, 'first')
    await mail.keeper.settle(alice)
    // Ours is on its way when another program takes its UID for another message.
    const lock = join(root, 'dovecot-uidlist.lock')
    writeFileSync(lock, `${process.ppid}:${hostname()}`)
    expect(await append(id, 'ours')).toBe(2)
    appendFileSync(join(root, 'dovecot-uidlist'), '2 :9.theirs\n')
    deliver('', '9.theirs', 'theirs')
    rmSync(lock)
    await eventually(async () => (await uids(id)).length === 3)
    await mail.keeper.settle(alice)
    const text = readFileSync(join(root, 'dovecot-uidlist'), 'utf8')
    expect(await uids(id)).not.toContain(2)
    expect(text).not.toContain('\n2 :')
    for (const uid of await uids(id)) expect(text).toContain(`\n${uid} :`)
  })

  it('that gives a message of ours a new UID is followed', async () => {
    const id = await inbox()
    await append(id, 'first')
    await append(id, 'second', ['\\Seen', 'Kept'])
    await mail.keeper.settle(alice)
    const path = join(root, 'dovecot-uidlist')
    writeFileSync(path, readFileSync(path, 'utf8').replace('\n2 :', '\n7 :'))
    await mail.keeper.settle(alice)
    expect((await states(id)).map(({ uid, flags }) => [uid, flags])).toEqual([
      [1, []],
      [7, ['\\Seen', 'Kept']],
    ])
    expect(await append(id, 'third')).toBe(8)
    expect((await mail.store.read(alice, id, 7)).toString()).toContain('second')
  })
})
