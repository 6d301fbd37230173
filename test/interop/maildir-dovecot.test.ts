import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { ImapFlow } from 'imapflow'
import { expect, it } from 'vitest'
import { eventually, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { asOrdinaryUser, Dovecot, fetched, filesIn, literal, startMaildirServer } from './maildir-server.ts'

const text = (subject: string) => `From: a@example.test\r\nSubject: ${subject}\r\n\r\nbody of ${subject}\r\n`

/** What a mailbox looks like over IMAP. */
async function seen(client: ImapFlow, name: string) {
  const mailbox = await client.mailboxOpen(name)
  const messages: [number, string[]][] = []
  const sizes: number[] = []
  if (mailbox.exists > 0) {
    for await (const { uid, flags, size } of client.fetch('1:*', { uid: true, flags: true, size: true })) {
      messages.push([uid, [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort()])
      sizes.push(size ?? 0)
    }
  }
  return { uidValidity: Number(mailbox.uidValidity), uidNext: mailbox.uidNext, messages, sizes }
}

describeWith(['dovecot', 'setpriv'], 'Dovecot and we on one Maildir', () => {
  it('reads what we wrote, with our UIDs, goes on, and we take it back', async () => {
    using directory = scratch('maildir-dovecot')
    const path = join(directory.path, 'mail/alice')
    let before: Awaited<ReturnType<typeof seen>>
    {
      await using ours = await startMaildirServer(directory.path)
      const client = await ours.connect()
      await client.mailboxCreate('Entwürfe/Zwei')
      await client.mailboxSubscribe('Entwürfe/Zwei')
      for (const subject of ['one', 'two', 'three', 'four']) await client.append('INBOX', text(subject), ['$Label1'])
      await client.mailboxOpen('INBOX')
      await client.messageFlagsAdd('2', ['\\Seen', '\\Flagged'], { uid: true })
      await client.messageDelete('3', { uid: true })
      await client.messageCopy('1', 'Entwürfe/Zwei', { uid: true })
      before = await seen(client, 'INBOX')
      await client.logout()
    }
    const dovecot = new Dovecot(directory.path, path)
    const said = await dovecot.imap(
      'SELECT INBOX',
      'UID FETCH 1:* (UID FLAGS RFC822.SIZE)',
      'LSUB "" *',
      'EXAMINE Entw&APw-rfe.Zwei',
    )
    expect(said).toContain(`[UIDVALIDITY ${before.uidValidity}]`)
    expect(said).toContain(`[UIDNEXT ${before.uidNext}]`)
    expect(fetched(said)).toEqual(before.messages)
    expect([...said.matchAll(/RFC822\.SIZE (\d+)/g)].map(([, size]) => Number(size))).toEqual(before.sizes)
    expect(said).toMatch(/\* LSUB .* "?Entw&APw-rfe.Zwei"?\r\n/)
    expect(said).toMatch(/\* 1 EXISTS/)

    await dovecot.imap(
      'SELECT INBOX',
      `APPEND INBOX (\\Answered Fresh) ${literal(text('five'))}`,
      'UID STORE 1 +FLAGS (\\Deleted)',
      'UID STORE 4 FLAGS (\\Draft)',
      'UNSUBSCRIBE Entw&APw-rfe.Zwei',
    )
    await dovecot.imap('SELECT INBOX', 'EXPUNGE')
    const then = await dovecot.imap('SELECT INBOX', 'UID FETCH 1:* (UID FLAGS)')
    const last = new Map(fetched(then))
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    const after = await seen(client, 'INBOX')
    expect(after.uidValidity).toBe(before.uidValidity)
    expect(new Map(after.messages)).toEqual(last)
    expect(after.messages.map(([uid]) => uid)).toEqual([2, 4, 5])
    expect((await client.list()).find(({ path }) => path === 'Entwürfe/Zwei')?.subscribed ?? false).toBe(false)
    expect((await client.download('5', undefined, { uid: true })).content).toBeDefined()
    await client.logout()
  })

  it('is taken over with its UIDs, flags, folders and subscriptions', async () => {
    using directory = scratch('maildir-takeover')
    const path = join(directory.path, 'mail/alice')
    mkdirSync(path, { recursive: true })
    const dovecot = new Dovecot(directory.path, path)
    const said = await dovecot.imap(
      ...['a', 'b', 'c', 'd', 'e'].map((subject) => `APPEND INBOX (\\Seen K${subject}) ${literal(text(subject))}`),
      'SELECT INBOX',
      'UID STORE 2,5 +FLAGS (\\Deleted)',
      'EXPUNGE',
      'UID STORE 3 FLAGS (\\Flagged $Forwarded)',
      'CREATE Lists.node&AOk-',
      'SUBSCRIBE Lists.node&AOk-',
      'UID COPY 1,4 Lists.node&AOk-',
      'STATUS INBOX (UIDNEXT UIDVALIDITY)',
      'STATUS Lists.node&AOk- (UIDNEXT UIDVALIDITY)',
      'SELECT INBOX',
      'UID FETCH 1:* (UID FLAGS)',
    )
    const statuses = [...said.matchAll(/\* STATUS .* \(UIDNEXT (\d+) UIDVALIDITY (\d+)\)/g)].map(
      ([, next, validity]) => [Number(next), Number(validity)],
    )
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    const inbox = await seen(client, 'INBOX')
    expect([inbox.uidNext, inbox.uidValidity]).toEqual(statuses[0])
    expect(inbox.messages.map(([uid]) => uid)).toEqual([1, 3, 4])
    expect(new Map(inbox.messages)).toEqual(new Map(fetched(said).filter(([uid]) => [1, 3, 4].includes(uid))))
    const lists = await seen(client, 'Lists/nodeé')
    expect([lists.uidNext, lists.uidValidity]).toEqual(statuses[1])
    expect(lists.messages.map(([uid]) => uid)).toEqual([1, 2])
    expect((await client.list()).find(({ path }) => path === 'Lists/nodeé')?.subscribed).toBe(true)
    await client.logout()
  })

  it('delivers by dovecot-lda into a mailbox that is open', async () => {
    using directory = scratch('maildir-lda')
    const path = join(directory.path, 'mail/alice')
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    await client.append('INBOX', text('ours'))
    await client.mailboxOpen('INBOX')
    await eventually(() => filesIn(path).length === 1)
    const counts: number[] = []
    client.on('exists', ({ count }) => counts.push(count))
    const dovecot = new Dovecot(directory.path, path)
    const { code, stderr } = await dovecot.deliver('Subject: by dovecot-lda\n\nhello\n')
    expect(code, stderr).toBe(0)
    await eventually(async () => {
      await client.noop()
      return counts.includes(2)
    })
    const uids: number[] = []
    for await (const { uid } of client.fetch('1:*', { uid: true })) uids.push(uid)
    expect(uids).toEqual([1, 2])
    await client.logout()
  })
})

describeWith(['procmail', 'setpriv'], 'procmail', () => {
  it('delivers into a mailbox that is open', async () => {
    using directory = scratch('maildir-procmail')
    const path = join(directory.path, 'mail/alice')
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    await client.mailboxOpen('INBOX')
    const counts: number[] = []
    client.on('exists', ({ count }) => counts.push(count))
    const { code, stderr } = await asOrdinaryUser(directory.path, 'procmail', ['-m', `DEFAULT=${path}/`, '/dev/null'], {
      input: 'From: p@example.test\nSubject: by procmail\n\nhello\n',
    })
    expect(code, stderr).toBe(0)
    await eventually(async () => {
      await client.noop()
      return counts.includes(1)
    })
    const message = (await client.fetchOne('1', { envelope: true })) || undefined
    expect(message?.envelope?.subject).toBe('by procmail')
    await client.logout()
  })
})
