import { expect, it } from 'vitest'
import { dialog } from './support/dialog.ts'
import { imapWorld } from './support/imap-world.ts'

const PLAIN = Buffer.from('\0alice@example.test\0secret').toString('base64')
const WRONG = Buffer.from('\0alice@example.test\0wrong').toString('base64')

it('lets nobody log in without TLS (RFC 3501 section 6.2.3, RFC 5530)', async () => {
  await using world = await imapWorld()
  const client = await world.connect({ isTls: false })
  expect(await client.ok('CAPABILITY')).toEqual([
    '* CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL+ SASL-IR ID ENABLE STARTTLS LOGINDISABLED',
  ])
  expect(await client.command('LOGIN alice@example.test secret')).toEqual([
    't2 NO [PRIVACYREQUIRED] Use STARTTLS or the TLS port first',
  ])
  expect(await client.command(`AUTHENTICATE PLAIN ${PLAIN}`)).toEqual([
    't3 NO [PRIVACYREQUIRED] Use STARTTLS or the TLS port first',
  ])
  expect(await client.command('SELECT INBOX')).toEqual(['t4 BAD Log in first'])
})

it('takes PLAIN and LOGIN, with an initial response and without (RFC 4959)', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    # not logged in
    C: a1 AUTHENTICATE PLAIN ${PLAIN}
    S: ~ ^a1 OK \\[CAPABILITY IMAP4rev1 IMAP4rev2 LITERAL\\+ ID ENABLE IDLE .*\\] Logged in$
    C: a2 LOGIN alice@example.test secret
    S: a2 BAD Not possible in the authenticated state
    C2: b1 authenticate plain
    S2: ~ ^\\+ $
    C2: ${PLAIN}
    S2: ~ ^b1 OK
    C3: c1 AUTHENTICATE LOGIN
    S3: + VXNlcm5hbWU6
    C3: ${Buffer.from('alice@example.test').toString('base64')}
    S3: + UGFzc3dvcmQ6
    C3: ${Buffer.from('secret').toString('base64')}
    S3: ~ ^c1 OK
    C4: d1 LOGIN {18+}
    C4: alice@example.test "sec\\ret"
    S4: d1 BAD Invalid quoted string
    C4: d2 LOGIN {18}
    S4: + Ready for literal data
    C4: alice@example.test {6}
    S4: + Ready for literal data
    C4: secret
    S4: ~ ^d2 OK
  `,
  )
})

it('answers what is no login', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    # not logged in
    C: a1 AUTHENTICATE GSSAPI
    S: a1 NO [CANNOT] No such mechanism
    C: a2 AUTHENTICATE PLAIN
    S: ~ ^\\+ $
    C: *
    S: a2 BAD Authentication cancelled
    C: a3 AUTHENTICATE PLAIN =
    S: a3 BAD Invalid PLAIN response
    C: a4 AUTHENTICATE PLAIN
    S: ~ ^\\+ $
    C: no base64!
    S: a4 BAD Invalid base64
    C: a5 LOGIN alice@example.test
    S: a5 BAD Missing argument
    C: a6 LOGIN down@example.test secret
    S: a6 NO [UNAVAILABLE] Temporary failure, try again later
    C: a7 LOGIN nobody@example.test secret
    S: a7 NO [AUTHENTICATIONFAILED] Authentication failed
  `,
  )
})

it('ends the connection after a few failed logins, and after a time without one', async () => {
  await using world = await imapWorld({ limits: { loginFailures: 3, loginTimeoutMs: 200 } })
  const client = await world.connect()
  expect(await client.command('LOGIN alice@example.test wrong')).toEqual([
    't1 NO [AUTHENTICATIONFAILED] Authentication failed',
  ])
  expect(await client.command(`AUTHENTICATE PLAIN ${WRONG}`)).toEqual([
    't2 NO [AUTHENTICATIONFAILED] Authentication failed',
  ])
  client.send('t3 LOGIN nobody@example.test x\r\n')
  expect(await client.rest()).toBe('* BYE Too many failed logins\r\n')
  const slow = await world.connect()
  slow.send('a LOGIN al')
  expect(await slow.rest()).toBe('* BYE Login took too long\r\n')
})

it('keeps passwords out of the log', async () => {
  const lines: string[] = []
  const write = (fields: object, message?: string) => void lines.push(`${JSON.stringify(fields)} ${message}`)
  const log = { trace: write, debug: write, info: write, warn: write, error: write, child: () => log }
  await using world = await imapWorld({ log })
  const client = await world.connect()
  await client.command('LOGIN alice@example.test hunter2')
  await client.command('LOGIN hunter2')
  await client.command('LOGIN down@example.test hunter2')
  await client.command('LOGIN alice@example.test secret')
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.join('\n')).not.toMatch(/hunter2|secret/)
})

it('identifies itself, and enables nothing that it does not know (RFC 2971, RFC 5161)', async () => {
  await using world = await imapWorld()
  await dialog(
    world,
    `
    C: a1 ID ("name" "sodr" "version" "19.34" "vendor" NIL)
    S: * ID ("name" "mailserver")
    S: a1 OK ID completed
    C: a2 ID NIL
    S: * ID ("name" "mailserver")
    S: a2 OK ID completed
    C: a3 ID ("name" "a" "name" "b")
    S: a3 BAD Field stands twice
    C: a4 ID
    S: a4 BAD Missing argument
    C: a5 ENABLE UTF8=FUTURE X-GOOD-IDEA
    S: * ENABLED
    S: a5 OK Enabled
    C: a6 ENABLE
    S: a6 BAD Missing argument
  `,
  )
})
