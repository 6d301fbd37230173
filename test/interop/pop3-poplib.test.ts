import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run } from '../support/peer.ts'
import { describeWith } from '../support/programs.ts'
import {
  LOGIN,
  PASSWORD,
  type Pop3TestServer,
  sampleMessages,
  startPop3Server,
  withAsciiHeader,
  withCrlf,
} from './pop3-server.ts'

/** Logs in, prints what the server says of itself and of each message, removes the odd ones. */
const SCRIPT = `
import hashlib, json, poplib, ssl, sys
poplib._MAXLINE = 1 << 24
_, mode, port, cert, login, password = sys.argv
context = ssl.create_default_context(cafile=cert)
if mode == 'stls':
    client = poplib.POP3('localhost', int(port), timeout=20)
    client.stls(context=context)
else:
    client = poplib.POP3_SSL('localhost', int(port), context=context, timeout=20)
capabilities = client.capa()
client.user(login)
client.pass_(password)
count, octets = client.stat()
messages = []
for number in range(1, count + 1):
    _, lines, size = client.retr(number)
    body = b''.join(line + b'\\r\\n' for line in lines)
    top = b''.join(line + b'\\r\\n' for line in client.top(number, 0)[1])
    messages.append([number, len(body), hashlib.sha256(body).hexdigest(), body.startswith(top)])
sizes = [int(line.split()[1]) for line in client.list()[1]]
ids = [line.decode().split()[1] for line in client.uidl()[1]]
for number in range(1, count + 1, 2):
    client.dele(number)
left = client.stat()[0]
client.quit()
print(json.dumps(dict(capabilities=capabilities, octets=octets, messages=messages, sizes=sizes, ids=ids, left=left)))
`

const SAMPLES = [Buffer.from('Subject: dots\r\n\r\n.\r\n..\r\n'), ...sampleMessages().map(({ bytes }) => bytes)]

let pop: Pop3TestServer
beforeEach(async () => {
  pop = await startPop3Server()
})
afterEach(() => pop.server.stop())

describeWith(['python3'], 'poplib of Python', () => {
  test.each(['tls', 'stls'])('reads everything and removes half of it (%s)', async (mode) => {
    await pop.deliver(SAMPLES)
    const port = mode === 'tls' ? pop.tlsPort : pop.port
    const ran = await run('python3', ['-c', SCRIPT, mode, String(port), pop.certFile, LOGIN, PASSWORD])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    const heard = JSON.parse(ran.stdout)
    const stored = SAMPLES.map(withCrlf)
    const sent = SAMPLES.map((bytes) => withCrlf(withAsciiHeader(bytes)))
    expect(heard.capabilities).toMatchObject({
      SASL: ['SCRAM-SHA-256', 'PLAIN', 'LOGIN'],
      EXPIRE: ['NEVER'],
      UIDL: [],
      PIPELINING: [],
    })
    // RFC 6858 section 2: sizes stay those of the messages as they are.
    expect(heard.sizes).toEqual(stored.map(({ length }) => length))
    expect(heard.octets).toBe(stored.reduce((sum, { length }) => sum + length, 0))
    const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    expect(heard.messages).toEqual(sent.map((bytes, at) => [at + 1, bytes.length, sha256(bytes), true]))
    expect(new Set(heard.ids).size).toBe(SAMPLES.length)
    expect(heard.left).toBe(Math.floor(SAMPLES.length / 2))
    expect(await pop.count()).toBe(heard.left)
  })
})
