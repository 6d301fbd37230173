import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describeWith(['mbsync'], 'mbsync', () => {
  it('syncs both ways, with flags and expunges', async () => {
    using home = scratch('mbsync')
    mkdirSync(join(home.path, 'mail'))
    const client = await imap.connect()
    await client.mailboxCreate('Sync')
    await client.append('Sync', text('s1', 'one'))
    await client.append('Sync', text('s2', 'two'), ['\\Seen', '\\Flagged'])
    writeFileSync(
      join(home.path, 'mbsyncrc'),
      `IMAPAccount test
Host 127.0.0.1
Port ${imap.tlsPort}
User alice@example.test
Pass secret
${await tlsKeyword()} IMAPS
CertificateFile ${imap.certificateFile}

IMAPStore far
Account test

MaildirStore near
Path ${home.path}/mail/
Inbox ${home.path}/mail/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns Sync
Create Both
Expunge Both
SyncState *
`,
    )
    const sync = async () => {
      const { code, stderr, stdout } = await run('mbsync', ['-c', join(home.path, 'mbsyncrc'), 'all'])
      expect(`${code} ${stderr} ${code === 0 ? '' : stdout}`).toBe('0  ')
    }
    const maildir = join(home.path, 'mail/Sync')
    const local = () =>
      ['cur', 'new'].flatMap((dir) => readdirSync(join(maildir, dir)).map((name) => join(maildir, dir, name)))
    await sync()
    expect(local()).toHaveLength(2)
    const flagged = local().find((name) => /:2,.*F.*S/.test(name))
    expect(readFileSync(flagged as string, 'utf8')).toContain('two')

    // Here a message is added, there one is flagged and one removed.
    writeFileSync(join(maildir, 'cur', '1700000000.1.host:2,S'), text('s3', 'three'))
    await client.mailboxOpen('Sync')
    await client.messageFlagsAdd('1', ['\\Answered'])
    await client.messageDelete('2')
    await sync()
    expect(local()).toHaveLength(2)
    expect(local().some((name) => /:2,.*R/.test(name))).toBe(true)
    await client.noop()
    const subjects = await client.fetchAll('1:*', { envelope: true, flags: true })
    expect(subjects.map(({ envelope }) => envelope?.subject)).toEqual(['s1', 's3'])
    expect(subjects[1]?.flags?.has('\\Seen')).toBe(true)
    await client.logout()
  })
})

/** isync 1.5 renamed the option. */
async function tlsKeyword(): Promise<string> {
  const { stdout } = await run('mbsync', ['--version'])
  const [, major, minor] = /(\d+)\.(\d+)/.exec(stdout) ?? []
  return Number(major) > 1 || Number(minor) >= 5 ? 'TLSType' : 'SSLType'
}
