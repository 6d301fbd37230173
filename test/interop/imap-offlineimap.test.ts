import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { run, scratch } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

const UMLAUTS = 'Entwürfe & Blätter/日本'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

describeWith(['offlineimap'], 'offlineimap', () => {
  it('syncs both ways: flags, expunges, and mailboxes whose names are not ASCII', async () => {
    using home = scratch('offlineimap')
    const rc = join(home.path, 'rc')
    writeFileSync(
      rc,
      `[general]
accounts = test
metadata = ${home.path}/metadata
socktimeout = 20

[Account test]
localrepository = near
remoterepository = far
utf8foldernames = yes

[Repository near]
type = Maildir
localfolders = ${home.path}/mail

[Repository far]
type = IMAP
remotehost = localhost
remoteport = ${imap.tlsPort}
remoteuser = alice@example.test
remotepass = secret
sslcacertfile = ${imap.certificateFile}
maxconnections = 2
`,
    )
    const sync = async () => {
      const ran = await run('offlineimap', ['-o', '-u', 'basic', '-c', rc], { env: { HOME: home.path } })
      expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    }
    const folder = (name: string) => join(home.path, 'mail', name.replaceAll('/', '.'))
    const local = (name: string) =>
      ['cur', 'new'].flatMap((part) =>
        readdirSync(join(folder(name), part)).map((file) => join(folder(name), part, file)),
      )
    const localNamed = (name: string, body: string) => {
      const found = local(name).find((file) => readFileSync(file, 'utf8').includes(body))
      if (found === undefined) throw new Error(`no message with ${body} in ${name}`)
      return found
    }

    const client = await imap.connect()
    await client.mailboxCreate(UMLAUTS)
    for (const body of ['one', 'two', 'three']) await client.append(UMLAUTS, text(body, `body of ${body} – é`))
    await client.append('INBOX', text('inbox', 'in the inbox'), ['\\Seen', '\\Flagged'])
    await sync()
    expect(local(UMLAUTS)).toHaveLength(3)
    expect(localNamed('INBOX', 'in the inbox')).toMatch(/:2,FS$/)

    // Here: one is read, one removed, one added, and a folder made. There: one is answered, one added.
    const read = localNamed(UMLAUTS, 'body of one')
    renameSync(read, join(folder(UMLAUTS), 'cur', `${read.split('/').at(-1)?.split(':')[0]}:2,S`))
    rmSync(localNamed(UMLAUTS, 'body of two'))
    writeFileSync(join(folder(UMLAUTS), 'cur', '1700000000.1.host:2,F'), text('four', 'body of four'))
    for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(folder('Müll'), part), { recursive: true })
    writeFileSync(join(folder('Müll'), 'cur', '1700000000.2.host:2,S'), text('five', 'body of five'))
    await client.mailboxOpen(UMLAUTS)
    await client.messageFlagsAdd('3', ['\\Answered'])
    await client.append('INBOX', text('late', 'late in the inbox'))
    await sync()
    await client.noop()
    const far = await client.fetchAll('1:*', { envelope: true, flags: true })
    const flagsOf = (flags: Set<string> | undefined) => [...(flags ?? [])].filter((flag) => flag !== '\\Recent').sort()
    expect(far.map(({ envelope, flags }) => [envelope?.subject, flagsOf(flags)])).toEqual([
      ['one', ['\\Seen']],
      ['three', ['\\Answered']],
      ['four', ['\\Flagged']],
    ])
    expect(localNamed(UMLAUTS, 'body of three')).toMatch(/:2,R$/)
    expect(localNamed('INBOX', 'late in the inbox')).toBeDefined()
    await client.mailboxOpen('Müll')
    expect((await client.fetchAll('1:*', { envelope: true })).map(({ envelope }) => envelope?.subject)).toEqual([
      'five',
    ])

    // There: one is removed. A third run finds nothing else to do.
    await client.messageDelete('1:*')
    await sync()
    expect(local('Müll')).toEqual([])
    expect(local(UMLAUTS)).toHaveLength(3)
    await client.logout()
  }, 60_000)
})
