import { afterAll, beforeAll, expect, it } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { type ImapServer, startImapServer, text } from './imap-server.ts'

let imap: ImapServer
beforeAll(async () => {
  imap = await startImapServer()
})
afterAll(() => imap[Symbol.asyncDispose]())

/** What a script of Python's standard library would do with a mailbox. */
const SCRIPT = `
import imaplib, ssl, sys, time

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

def ok(answer):
    status, data = answer
    assert status == 'OK', (status, data)
    return data

with imaplib.IMAP4('127.0.0.1', int(sys.argv[1])) as imap:
    assert 'LOGINDISABLED' in imap.capabilities
    imap.starttls(context)
    assert 'AUTH=PLAIN' in imap.capabilities, imap.capabilities
    ok(imap.authenticate('PLAIN', lambda _: b'\\0alice@example.test\\0secret'))
    ok(imap.create('Python'))
    ok(imap.append('Python', '(\\\\Seen)', imaplib.Time2Internaldate(time.time()), sys.argv[3].encode()))
    assert ok(imap.select('Python')) == [b'1']
    assert ok(imap.search(None, 'SUBJECT', '"from-python"')) == [b'1']
    data = ok(imap.fetch('1', '(FLAGS BODY[HEADER.FIELDS (SUBJECT)] RFC822.TEXT)'))
    print(data)
    print(ok(imap.uid('FETCH', '1', '(ENVELOPE BODYSTRUCTURE)')))
    ok(imap.store('1', '+FLAGS', '\\\\Deleted'))
    ok(imap.copy('1', 'Trash'))
    assert ok(imap.expunge()) == [b'1']
    print(ok(imap.status('Trash', '(MESSAGES UIDNEXT)')))
    print(ok(imap.list()))
    print(ok(imap.namespace()))
    ok(imap.close())
    ok(imap.delete('Python'))

with imaplib.IMAP4_SSL('127.0.0.1', int(sys.argv[2]), ssl_context=context) as imap:
    ok(imap.login('bob@example.test', 'secret'))
    ok(imap.noop())
    try:
        imap.select('Nowhere', readonly=True)[0] == 'NO'
    except imaplib.IMAP4.error as error:
        print(error)
print('done')
`

/** Two users and a mailbox that one shares with the other. */
const SHARING = `
import imaplib, ssl, sys

context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE

def ok(answer):
    status, data = answer
    assert status == 'OK', (status, data)
    return data

def login(user):
    imap = imaplib.IMAP4_SSL('127.0.0.1', int(sys.argv[1]), ssl_context=context)
    imap.login(user + '@example.test', 'secret')
    return imap

with login('alice') as alice, login('bob') as bob:
    ok(alice.create('Team'))
    ok(alice.setacl('Team', 'bob@example.test', 'lrswite'))
    print(ok(alice.getacl('Team')))
    theirs = '"Other Users/alice@example.test/Team"'
    print(ok(bob.list('"Other Users/"', '*')))
    print(ok(bob.myrights(theirs)))
    assert ok(bob.select(theirs)) == [b'0']
    assert ok(alice.select('Team')) == [b'0']
    ok(bob.append(theirs, '(\\Flagged)', None, b'Subject: shared\\r\\n\\r\\nhello\\r\\n'))
    ok(alice.noop())
    print(ok(alice.fetch('1', '(UID FLAGS BODY[TEXT])'))[0][1])
    ok(bob.store('1', '+FLAGS', '\\Deleted'))
    assert ok(bob.expunge()) == [b'1']
    ok(alice.noop())
    assert ok(alice.status('Team', '(MESSAGES)')) == [b'"Team" (MESSAGES 0)']
    print(ok(bob.getquotaroot('INBOX'))[0])
    ok(bob.unselect())
    ok(alice.deleteacl('Team', 'bob@example.test'))
    assert ok(bob.list('"Other Users/"', '*')) == [None]
print('done')
`

describeWith(['python3'], "Python's imaplib", () => {
  it('shares a mailbox with another user, who works in it', async () => {
    const { code, stdout, stderr } = await run('python3', ['-c', SHARING, `${imap.tlsPort}`])
    expect(`${stderr}${code}`).toBe('0')
    expect(stdout).toContain('"alice@example.test" lrswipkxtecda "bob@example.test" lrswited')
    expect(stdout).toContain('HasNoChildren) "/" "Other Users/alice@example.test/Team"')
    expect(stdout).toContain("b'hello")
    expect(stdout).toContain('"INBOX" "bob@example.test"')
    expect(stdout).toContain('done')
  })

  it('comes to TLS by STARTTLS, appends, searches, fetches, copies and expunges', async () => {
    const message = text('from-python', 'sent by imaplib').replaceAll('\n', '\r\n')
    const { code, stdout, stderr } = await run('python3', ['-c', SCRIPT, `${imap.port}`, `${imap.tlsPort}`, message])
    expect(`${stderr}${code}`).toBe('0')
    expect(stdout).toContain('Subject: from-python')
    expect(stdout).toContain('sent by imaplib')
    expect(stdout).toContain('"Trash" (MESSAGES 1 UIDNEXT 2)')
    expect(stdout).toContain('done')
  })
})
