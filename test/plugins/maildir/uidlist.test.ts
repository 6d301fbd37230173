import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { MailboxId } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { alice, append, deliver, inbox, mail, reopen, root, states, text } from './alice.ts'

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
    await reopen()
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
    await reopen()
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
