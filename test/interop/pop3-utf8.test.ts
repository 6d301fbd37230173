import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import { LOGIN, PASSWORD, type Pop3TestServer, startPop3Server } from './pop3-server.ts'

const HEADER = 'From: Jürgen <jürgen@exämple.test>\r\nTo: alice@example.test\r\nSubject: Grüße – 日本\r\n\r\n'
const BODY = 'Körper: 日本\r\n.\r\n'

const SCRIPT = `
import poplib, ssl, sys
_, port, cert, login, password = sys.argv
client = poplib.POP3_SSL('localhost', int(port), context=ssl.create_default_context(cafile=cert), timeout=20)
assert client.capa()['UTF8'] == ['USER'], client.capa()
client.utf8()
client.user(login)
client.pass_(password)
lines = client.retr(1)[1]
top = client.top(1, 0)[1]
assert lines[:len(top)] == top, top
size = client.list(1).split()[2]
client.quit()
sys.stdout.buffer.write(b''.join(line + b'\\r\\n' for line in lines))
assert int(size) == sum(len(line) + 2 for line in lines), size
`

let pop: Pop3TestServer
beforeEach(async () => {
  pop = await startPop3Server()
  await pop.deliver([Buffer.from(HEADER + BODY)])
})
afterEach(() => pop.server.stop())

describeWith(['python3'], 'poplib of Python after UTF8 (RFC 6856)', () => {
  test('reads a header in UTF-8 as it is, in its exact size', async () => {
    const ran = await run('python3', ['-c', SCRIPT, String(pop.tlsPort), pop.certFile, LOGIN, PASSWORD])
    expect(ran).toMatchObject({ code: 0, stderr: '', stdout: HEADER + BODY })
  })
})

describeWith(['curl'], 'curl, which does not know UTF8', () => {
  test('reads the header in ASCII and the body as it is (RFC 6858)', async () => {
    const url = `pop3s://localhost:${pop.tlsPort}/1`
    const ran = await run('curl', ['--silent', '--cacert', pop.certFile, '--user', `${LOGIN}:${PASSWORD}`, url])
    expect(ran.code).toBe(0)
    const [header = '', ...body] = ran.stdout.split('\r\n\r\n')
    expect(header).toMatch(/^[\x20-\x7e\r\n]+$/)
    expect(header).toMatch(/^Subject: =\?utf-8\?/im)
    expect(body.join('\r\n\r\n')).toBe(BODY)
  })
})
