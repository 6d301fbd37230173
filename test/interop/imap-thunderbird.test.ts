import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { startImapServer, text } from './imap-server.ts'
import { startThunderbird } from './thunderbird.ts'

const USER = 'alice@example.test'

describeWith(['thunderbird'], 'Thunderbird', () => {
  // Thunderbird has several connections and gives some of them other work: now and then none is idle in INBOX when the news comes.
  it('finds the mailboxes, reads, flags, copies and removes mail, and is told of new mail while it is idle', {
    retry: 2,
    timeout: 120_000,
  }, async () => {
    await using imap = await startImapServer()
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
      await eventually(reached, 45_000).catch(async () => expect(await state(mailbox)).toEqual(wanted))
    }
    await becomes('INBOX', [
      ['one', ['\\Seen']],
      ['two', ['$label1', '\\Flagged']],
    ])
    await becomes('Trash', [['three', []]])
    await becomes('Archive', [['one', ['\\Seen']]])
    await eventually(async () => (await client.list()).some(({ path }) => path.endsWith('Entwürfe & Blätter')), 45_000)

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

    // A copy of what was sent is appended, and a search for what is not ASCII is done by the server.
    const file = join(home.path, 'sent.eml')
    writeFileSync(file, text('copy', 'Körper der Kopie').replaceAll('\n', '\r\n'))
    const hits = await thunderbird.run(`
      const sent = folder('Sent')
      const file = Cc['@mozilla.org/file/local;1'].createInstance(Ci.nsIFile)
      file.initWithPath(${JSON.stringify(file)})
      await new Promise((resolve, reject) => MailServices.copy.copyFileMessage(file, sent, null, false, 1, '', {
        QueryInterface: ChromeUtils.generateQI(['nsIMsgCopyServiceListener']),
        onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() { return null },
        onStopCopy: status => Components.isSuccessCode(status) ? resolve() : reject('copy ' + status),
      }, null))
      sent.updateFolder(null)
      await until(() => [...sent.messages].length === 1)
      const session = Cc['@mozilla.org/messenger/searchSession;1'].createInstance(Ci.nsIMsgSearchSession)
      session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, sent)
      const term = session.createTerm()
      term.attrib = Ci.nsMsgSearchAttrib.Body
      term.op = Ci.nsMsgSearchOp.Contains
      const value = term.value
      value.attrib = Ci.nsMsgSearchAttrib.Body
      value.str = 'körper'
      term.value = value
      term.booleanAnd = true
      session.appendTerm(term)
      return new Promise(resolve => {
        const hits = []
        session.registerListener({
          onNewSearch() {}, onSearchHit(message) { hits.push(message.subject) }, onSearchDone() { resolve(hits) },
        })
        session.search(null)
      })`)
    expect(hits).toEqual(['copy'])

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
      'append "Sent" (\\Seen) UTF8 (~{',
      'uid SEARCH UNDELETED BODY {7}',
    ]) {
      expect(commands).toContain(used)
    }
  })
})
