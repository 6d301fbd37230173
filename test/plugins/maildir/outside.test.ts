import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { alice, append, deliver, directory, files, inbox, mail, one, root, states, text } from './alice.ts'

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

  it('takes mail in a folder whose empty directories were left out, as git does', async () => {
    const { id } = await mail.store.createMailbox(alice, 'Box')
    await mail.keeper.settle(alice)
    for (const place of ['cur', 'new', 'tmp']) rmSync(join(root, '.Box', place), { recursive: true })
    await append(id, 'unseen')
    await append(id, 'seen', ['\\Seen'])
    await eventually(() => existsSync(join(root, '.Box/cur')) && files('.Box').length === 2, 10_000)
    expect(readdirSync(join(root, '.Box')).sort()).toContain('tmp')
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
