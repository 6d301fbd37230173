import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'
import { startThunderbird } from './thunderbird.ts'

const USER = 'alice@example.test'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describeWith(['thunderbird'], 'Thunderbird', () => {
  it('finds the mailboxes, reads, flags, copies and removes mail, and is told of new mail while it is idle', async () => {
    using home = scratch('thunderbird')
    await imap.deliver(USER, 'INBOX', ...['one', 'two', 'three'].map((name) => text(name, `body of ${name} – é`)))
    await using thunderbird = await startThunderbird(home.path, { port: imap.port, user: USER, password: 'secret' })

    const found = await thunderbird.run(`
      server.performExpand(null)
      await until(() => folder('Trash') && folder('Sent'))
      return server.rootFolder.descendants.map(one => one.name)`)
    expect(found).toEqual(expect.arrayContaining(['Archive', 'Drafts', 'Junk', 'Sent', 'Trash']))
    // Each mailbox is known by its special use (RFC 6154), and by no name of Thunderbird's own.
    expect(
      await thunderbird.run(`
        const { Drafts, SentMail, Trash, Junk, Archive } = Ci.nsMsgFolderFlags
        return Object.entries({ Drafts, Sent: SentMail, Trash, Junk, Archive })
          .filter(([name, flag]) => !folder(name).getFlag(flag)).map(([name]) => name)`),
    ).toEqual([])

    const subjects = await thunderbird.run(`
      const inbox = folder('INBOX')
      inbox.updateFolder(null)
      await until(() => [...inbox.messages].length === 3)
      const [one, two, three] = [...inbox.messages].sort((a, b) => a.messageKey - b.messageKey)
      inbox.markMessagesRead([one], true)
      inbox.markMessagesFlagged([two], true)
      inbox.addKeywordsToMessages([two], '$label1')
      MailServices.copy.copyMessages(inbox, [one], folder('Archive'), false, null, null, false)
      inbox.deleteMessages([three], null, false, false, null, false)
      inbox.createSubfolder('Entwürfe & Blätter', null)
      return [one, two, three].map(one => one.subject)`)
    expect(subjects).toEqual(['one', 'two', 'three'])

    const client = await imap.connect()
    const state = async (mailbox: string) => {
      await client.mailboxOpen(mailbox)
      const all = await client.fetchAll('1:*', { envelope: true, flags: true })
      await client.mailboxClose()
      return all.map(({ envelope, flags }) => [
        envelope?.subject,
        [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort(),
      ])
    }
    const becomes = async (mailbox: string, wanted: unknown) => {
      const reached = async () => JSON.stringify(await state(mailbox)) === JSON.stringify(wanted)
      await eventually(reached, 20_000).catch(async () => expect(await state(mailbox)).toEqual(wanted))
    }
    await becomes('INBOX', [
      ['one', ['\\Seen']],
      ['two', ['$label1', '\\Flagged']],
    ])
    await becomes('Trash', [['three', []]])
    await becomes('Archive', [['one', ['\\Seen']]])
    await eventually(async () => (await client.list()).some(({ path }) => path.endsWith('Entwürfe & Blätter')))

    // Another client removes one, and one comes in: IDLE says so.
    await client.mailboxOpen('INBOX')
    await client.messageDelete('1')
    await imap.deliver(USER, 'INBOX', text('late', 'body of late'))
    expect(
      await thunderbird.run(`
        const subjects = () => [...folder('INBOX').messages].map(one => one.subject).sort().join()
        await until(() => subjects() === 'late,two')
        return subjects()`),
    ).toBe('late,two')
    await client.logout()

    const commands = thunderbird.commands().join('\n')
    for (const used of [
      'STARTTLS',
      'COMPRESS DEFLATE',
      'ENABLE UTF8=ACCEPT',
      'list (subscribed) "" "*" return (special-use)',
      'IDLE',
      'namespace',
      'myrights "INBOX"',
      'getquotaroot "INBOX"',
      'uid move 3 "Trash"',
    ]) {
      expect(commands).toContain(used)
    }
  }, 60_000)
})
