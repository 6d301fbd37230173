import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexMessage } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { alice, append, files, inbox, mail, one, root, states, text } from './alice.ts'

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
