import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { eventually, run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { filesIn, startMaildirServer } from './maildir-server.ts'

const text = (subject: string) => `From: a@example.test\r\nSubject: ${subject}\r\n\r\nbody of ${subject}\r\n`

describeWith(['mutt', 'script'], 'mutt on the Maildir of an open session', () => {
  it('flags, moves and deletes messages, and the session sees it', async () => {
    using directory = scratch('maildir-mutt')
    const path = join(directory.path, 'mail/alice')
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    for (const subject of ['stays', 'goes', 'moves']) await client.append('INBOX', text(subject))
    await client.mailboxOpen('INBOX')
    await eventually(() => filesIn(path).length === 3)
    const expunged: number[] = []
    client.on('expunge', ({ seq, uid }: { seq?: number; uid?: number }) => expunged.push(uid ?? seq ?? 0))
    const rc = join(directory.path, 'muttrc')
    writeFileSync(
      rc,
      [
        `set folder="${join(directory.path, 'mail')}"`,
        'set mbox_type=Maildir',
        'set delete=yes',
        'set quit=yes',
        'set confirmappend=no',
        'set move=no',
        'set header_cache=',
        'set wait_key=no',
        'set sort=date-received',
      ].join('\n'),
    )
    const keys = [
      '<tag-pattern>~s stays<enter><tag-prefix><flag-message>',
      '<untag-pattern>~A<enter><delete-pattern>~s goes<enter>',
      `<tag-pattern>~s moves<enter><tag-prefix><save-message>${join(path, '.Archive')}<enter><sync-mailbox><exit>`,
    ].join('')
    writeFileSync(join(directory.path, 'keys'), `push "${keys}"`)
    const command = `mutt -F ${rc} -f ${path} -e 'source ${join(directory.path, 'keys')}'`
    const mutt = await run('script', ['-qec', command, join(directory.path, 'typescript')], {
      env: { HOME: directory.path, TERM: 'xterm', LANG: 'C.UTF-8' },
      timeoutMs: 20_000,
    })
    expect(mutt.code, readFileSync(join(directory.path, 'typescript'), 'latin1')).toBe(0)
    await eventually(async () => {
      await client.noop()
      return expunged.length === 2
    })
    const message = (await client.fetchOne('1', { uid: true, flags: true })) || undefined
    expect(message?.uid).toBe(1)
    expect([...(message?.flags ?? [])]).toContain('\\Flagged')
    const other = await ours.connect()
    await other.mailboxOpen('Archive')
    const moved = (await other.fetchOne('1', { envelope: true })) || undefined
    expect(moved?.envelope?.subject).toBe('moves')
    await Promise.all([client.logout(), other.logout()])
  })
})

describeWith(['mbsync'], 'mbsync', () => {
  it('reads our Maildir, and what it writes there is ours', async () => {
    using directory = scratch('maildir-mbsync')
    const path = join(directory.path, 'mail/alice')
    const there = join(directory.path, 'there')
    mkdirSync(there)
    await using ours = await startMaildirServer(directory.path)
    const client = await ours.connect()
    await client.mailboxCreate('Lists/Node')
    for (const subject of ['a', 'b', 'c']) await client.append('Lists/Node', text(subject), ['\\Seen'])
    await eventually(() => readdirSync(path).includes('.Lists.Node') && filesIn(join(path, '.Lists.Node')).length === 3)
    const rc = join(directory.path, 'mbsyncrc')
    writeFileSync(
      rc,
      `MaildirStore ours
Inbox ${path}
SubFolders Maildir++

MaildirStore theirs
Path ${there}/
Inbox ${there}/INBOX
SubFolders Verbatim

Channel both
Far :ours:
Near :theirs:
Patterns "Lists/Node"
Create Near
Sync All
Expunge Both
SyncState *
`,
    )
    const sync = () => run('mbsync', ['-c', rc, '-a'], { env: { HOME: directory.path } })
    const first = await sync()
    expect(first.code, first.stderr).toBe(0)
    const copy = join(there, 'Lists/Node')
    expect(filesIn(copy)).toHaveLength(3)
    writeFileSync(join(copy, 'new', '1700000000.theirs.vm'), text('from there').replaceAll('\r\n', '\n'))
    const second = await sync()
    expect(second.code, second.stderr).toBe(0)
    await eventually(async () => (await client.status('Lists/Node', { messages: true })).messages === 4)
    await client.logout()
  })
})
