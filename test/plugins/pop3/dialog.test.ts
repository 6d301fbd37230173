import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Pop3Client } from './pop3-client.ts'
import { ALICE, PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

const ONE = 'Subject: one\r\n\r\nHello\r\n'
const DOTS = 'Subject: dots\r\n\r\n.\r\n..\r\n.x\r\nend\r\n'
const LONG = `Subject: long\r\n\r\n${'line\r\n'.repeat(10)}`

let host: Pop3Host
beforeEach(async () => {
  host = await startPop3()
})
afterEach(() => host[Symbol.asyncDispose]())

const plain = (...parts: string[]) => Buffer.from(parts.join('\0')).toString('base64')

describe('AUTHORIZATION (RFC 1939 section 4)', () => {
  test('greets, and announces what it can before and after TLS and login (RFC 2449, RFC 2595)', async () => {
    using clear = await Pop3Client.dial(host, { tls: false })
    expect(await clear.line()).toBe('+OK mx.example.test POP3 ready')
    const always = ['TOP', 'UIDL', 'RESP-CODES', 'AUTH-RESP-CODE', 'PIPELINING', 'EXPIRE NEVER']
    const last = ['UTF8 USER', 'LANG', 'IMPLEMENTATION mailserver']
    const capabilities = async (client: Pop3Client) => (await client.lines('CAPA')).body.split('\r\n').slice(0, -1)
    expect(await capabilities(clear)).toEqual([...always, 'STLS', ...last])
    using secure = await Pop3Client.connect(host)
    expect(await capabilities(secure)).toEqual([...always, 'USER', 'SASL PLAIN', ...last])
    using inside = await Pop3Client.login(host)
    expect(await capabilities(inside)).toEqual([...always, 'USER', 'SASL PLAIN', ...last])
  })

  test('takes no password before TLS', async () => {
    using client = await Pop3Client.connect(host, { tls: false })
    for (const line of ['USER alice@example.test', `PASS ${PASSWORD}`, 'AUTH PLAIN', 'AUTH']) {
      expect(await client.command(line)).toBe('-ERR Give STLS first: no login without TLS')
    }
  })

  test('STLS secures the connection, once, and forgets what came before (RFC 2595 section 4)', async () => {
    using client = await Pop3Client.connect(host, { tls: false })
    expect(await client.command('STLS now')).toBe('-ERR STLS has no argument')
    expect(await client.command('stls')).toBe('+OK Begin TLS negotiation now')
    await client.startTls()
    expect(await client.command(`PASS ${PASSWORD}`)).toBe('-ERR Give USER first')
    expect(await client.command('STLS')).toBe('-ERR TLS is active already')
    await client.command('USER alice@example.test')
    expect(await client.command(`PASS ${PASSWORD}`)).toBe('+OK 0 messages (0 octets)')
    expect(host.sessions()).toMatchObject([
      { protocol: 'pop3', account: 'alice@example.test', state: 'transaction', tls: true },
    ])
  })

  test('commands smuggled in behind STLS are not obeyed (CVE-2011-0411)', async () => {
    using client = await Pop3Client.connect(host, { tls: false })
    client.write('STLS\r\nCAPA\r\nQUIT\r\n')
    expect(await client.line()).toBe('+OK Begin TLS negotiation now')
    await client.startTls()
    expect(await client.command('STAT')).toBe('-ERR Log in first')
  })

  test('USER answers the same for everybody, PASS needs it each time and takes spaces', async () => {
    using client = await Pop3Client.connect(host)
    expect(await client.command('PASS x')).toBe('-ERR Give USER first')
    expect(await client.command('USER')).toBe('-ERR A name is needed')
    expect(await client.command('USER nobody@example.test')).toBe('+OK Send the password')
    expect(await client.command('PASS wrong')).toBe('-ERR [AUTH] Invalid login or password')
    expect(await client.command('PASS wrong')).toBe('-ERR Give USER first')
    expect(await client.command('USER alice@example.test')).toBe('+OK Send the password')
    expect(await client.command(`pass ${PASSWORD}`)).toBe('+OK 0 messages (0 octets)')
    expect(await client.command('USER alice@example.test')).toBe('-ERR You are logged in already')
  })

  test('AUTH PLAIN, with an initial response and without (RFC 5034)', async () => {
    const credentials = plain('', 'alice@example.test', PASSWORD)
    {
      using client = await Pop3Client.connect(host)
      expect(await client.command(`AUTH PLAIN ${credentials}`)).toBe('+OK 0 messages (0 octets)')
      await client.command('QUIT')
    }
    {
      using client = await Pop3Client.connect(host)
      expect(await client.command('auth plain')).toBe('+ ')
      expect(await client.command(plain('alice@example.test', 'alice@example.test', PASSWORD))).toMatch(/^\+OK/)
    }
  })

  test.each([
    ['AUTH LOGIN', '-ERR Unknown mechanism'],
    ['AUTH CRAM-MD5', '-ERR Unknown mechanism'],
    ['AUTH PLAIN =', '-ERR Malformed response'],
    ['AUTH PLAIN ****', '-ERR Malformed response'],
    [`AUTH PLAIN ${plain('alice@example.test', PASSWORD)}`, '-ERR Malformed response'],
    [`AUTH PLAIN ${plain('', 'alice@example.test', '')}`, '-ERR Malformed response'],
    [`AUTH PLAIN ${plain('', '', PASSWORD)}`, '-ERR Malformed response'],
    [`AUTH PLAIN ${plain('', 'a', 'b', 'c')}`, '-ERR Malformed response'],
    ['AUTH PLAIN YQ== YQ==', '-ERR AUTH has two arguments at most'],
    [`AUTH PLAIN ${plain('', 'alice@example.test', 'x')}`, '-ERR [AUTH] Invalid login or password'],
    [`AUTH PLAIN ${plain('bob', 'alice@example.test', PASSWORD)}`, '-ERR [AUTH] Invalid login or password'],
    [`AUTH PLAIN ${plain('', 'down', 'x')}`, '-ERR [SYS/TEMP] Temporary problem, try again later'],
    [`AUTH PLAIN ${plain('', 'busy', 'x')}`, '-ERR [SYS/TEMP] Too many attempts, try again later'],
    [`AUTH PLAIN ${plain('', 'broken', 'x')}`, '-ERR [SYS/TEMP] Temporary problem, try again later'],
  ])('%s is answered with %s, and the session goes on', async (line, answer) => {
    using client = await Pop3Client.connect(host)
    expect(await client.command(line)).toBe(answer)
    expect(await client.command('USER alice@example.test')).toBe('+OK Send the password')
  })

  test('AUTH can be cancelled, and an over-long response does not leave it waiting', async () => {
    using client = await Pop3Client.connect(host)
    await client.command('AUTH PLAIN')
    expect(await client.command('*')).toBe('-ERR Cancelled')
    await client.command('AUTH PLAIN')
    expect(await client.command('A'.repeat(10_000))).toBe('-ERR Line too long')
    expect(await client.command('USER alice@example.test')).toBe('+OK Send the password')
    expect((await client.lines('AUTH')).body).toBe('PLAIN\r\n')
  })

  test('three wrong passwords end the session', async () => {
    using client = await Pop3Client.connect(host)
    for (let at = 0; at < 3; at++) {
      await client.command('USER alice@example.test')
      expect(await client.command('PASS wrong')).toMatch(/^-ERR \[AUTH\]/)
    }
    expect(await client.rest()).toBe('')
  })

  test('QUIT ends it', async () => {
    using client = await Pop3Client.connect(host)
    expect(await client.command('QUIT')).toBe('+OK Bye')
    expect(await client.rest()).toBe('')
  })
})

describe('TRANSACTION (RFC 1939 section 5)', () => {
  beforeEach(() => host.deliver([ONE, DOTS, LONG]))

  test('STAT, LIST and UIDL tell number, exact size and a stable id', async () => {
    using client = await Pop3Client.login(host)
    const total = ONE.length + DOTS.length + LONG.length
    expect(await client.command('STAT')).toBe(`+OK 3 ${total}`)
    expect(await client.lines('LIST')).toEqual({
      status: `+OK 3 messages (${total} octets)`,
      body: `1 ${ONE.length}\r\n2 ${DOTS.length}\r\n3 ${LONG.length}\r\n`,
    })
    expect(await client.command('LIST 2')).toBe(`+OK 2 ${DOTS.length}`)
    const { uidValidity } = await host.store.mailbox(ALICE, 'INBOX')
    const ids = [1, 2, 3].map((uid) => `${uid} ${uidValidity}.${uid}\r\n`).join('')
    expect((await client.lines('UIDL')).body).toBe(ids)
    expect(await client.command('UIDL 3')).toBe(`+OK 3 ${uidValidity}.3`)
  })

  test('RETR sends the message with its dots stuffed', async () => {
    using client = await Pop3Client.login(host)
    expect(await client.lines('RETR 1')).toEqual({ status: `+OK ${ONE.length} octets`, body: ONE })
    client.write('RETR 2\r\n')
    await client.line()
    client.write('QUIT\r\n')
    expect(await client.rest()).toBe('Subject: dots\r\n\r\n..\r\n...\r\n..x\r\nend\r\n.\r\n+OK Bye\r\n')
  })

  test('TOP sends the header and as many lines as asked for (RFC 1939 section 7)', async () => {
    using client = await Pop3Client.login(host)
    expect((await client.lines('TOP 3 0')).body).toBe('Subject: long\r\n\r\n')
    expect((await client.lines('TOP 3 2')).body).toBe('Subject: long\r\n\r\nline\r\nline\r\n')
    expect((await client.lines('TOP 3 999999')).body).toBe(LONG)
    expect((await client.lines('TOP 2 1')).body).toBe('Subject: dots\r\n\r\n.\r\n')
  })

  test.each([
    ['RETR', '-ERR A message number is needed'],
    ['RETR x', '-ERR A message number is needed'],
    ['RETR -1', '-ERR A message number is needed'],
    ['RETR 1.0', '-ERR A message number is needed'],
    ['RETR 99999999999999999999', '-ERR A message number is needed'],
    ['RETR 0', '-ERR No such message'],
    ['RETR 4', '-ERR No such message'],
    ['LIST 4', '-ERR No such message'],
    ['UIDL 4', '-ERR No such message'],
    ['DELE 4', '-ERR No such message'],
    ['TOP 4 0', '-ERR No such message'],
    ['TOP 1', '-ERR A message number and a count of lines are needed'],
    ['TOP 1 -1', '-ERR A message number and a count of lines are needed'],
    ['TOP 1 1 1', '-ERR A message number and a count of lines are needed'],
    ['STLS', '-ERR You are logged in already'],
    ['AUTH PLAIN', '-ERR You are logged in already'],
    ['XTND', '-ERR Unknown command'],
    ['constructor', '-ERR Unknown command'],
    ['__proto__', '-ERR Unknown command'],
    ['', '-ERR Unknown command'],
    [' STAT', '-ERR Unknown command'],
    ['STAT\0', '-ERR Unknown command'],
  ])('%j is answered with %s', async (line, answer) => {
    using client = await Pop3Client.login(host)
    expect(await client.command(line)).toBe(answer)
    expect(await client.command('NOOP')).toBe('+OK Nothing done')
  })

  test('DELE marks, RSET unmarks, and QUIT removes what is marked', async () => {
    {
      using client = await Pop3Client.login(host)
      expect(await client.command('DELE 2')).toBe('+OK Marked for deletion')
      for (const line of ['DELE 2', 'RETR 2', 'LIST 2', 'UIDL 2', 'TOP 2 0']) {
        expect(await client.command(line)).toBe('-ERR No such message')
      }
      expect(await client.command('STAT')).toBe(`+OK 2 ${ONE.length + LONG.length}`)
      expect((await client.lines('LIST')).body).toBe(`1 ${ONE.length}\r\n3 ${LONG.length}\r\n`)
      expect(await client.command('RSET')).toMatch(/^\+OK 3 messages/)
      await client.command('DELE 1')
      await client.command('DELE 3')
      expect(await host.uids()).toEqual([1, 2, 3])
      expect(await client.command('QUIT')).toBe('+OK Bye, 2 messages removed')
    }
    expect(await host.uids()).toEqual([2])
    using again = await Pop3Client.login(host)
    expect((await again.lines('UIDL')).body).toMatch(/^1 \d+\.2\r\n$/)
  })

  test('a connection that is dropped removes nothing', async () => {
    const client = await Pop3Client.login(host)
    await client.command('DELE 1')
    const gone = once(client.socket, 'close')
    client.close()
    await gone
    using again = await Pop3Client.login(host)
    expect(await again.command('STAT')).toMatch(/^\+OK 3 /)
  })

  test('a group of commands is answered in order (RFC 2449 section 6.6)', async () => {
    using client = await Pop3Client.login(host)
    client.write(`STAT\r\nRETR 1\r\nDELE 1\r\nNOOP\r\nXXXX\r\nQUIT\r\n`)
    expect(await client.rest()).toBe(
      `+OK 3 ${ONE.length + DOTS.length + LONG.length}\r\n+OK ${ONE.length} octets\r\n${ONE}.\r\n` +
        '+OK Marked for deletion\r\n+OK Nothing done\r\n-ERR Unknown command\r\n+OK Bye, 1 messages removed\r\n',
    )
    expect(await host.uids()).toEqual([2, 3])
  })

  test('a client that sends its commands and closes its side gets its answers', async () => {
    using client = await Pop3Client.connect(host, { tls: false })
    client.socket.end('NOOP\r\nQUIT\r\n')
    expect(await client.rest()).toBe('-ERR Log in first\r\n+OK Bye\r\n')
  })

  test('lines may end in a bare LF', async () => {
    using client = await Pop3Client.login(host)
    client.write('NOOP\nNOOP\n')
    expect([await client.line(), await client.line()]).toEqual(['+OK Nothing done', '+OK Nothing done'])
  })
})
