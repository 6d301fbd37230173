import { describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { belowTrace, startWorld } from './support/world.ts'

it('takes a message and keeps it byte for byte below the trace fields (RFC 5321 section 4.4)', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO client.test')
  const wire = 'From: a@b.test\r\nSubject: one\r\n\r\n..dot\r\nbody\r\n'
  expect(await client.send('a@b.test', ['alice@example.test'], wire)).toMatch(/^250 2\.0\.0 Accepted as \w+$/)
  const [stored] = await world.messages('alice@example.test')
  expect(stored?.toString()).toMatch(/^Return-Path: <a@b\.test>\r\nReceived: from client\.test \(/)
  expect(stored && belowTrace(stored).toString()).toBe(`${wire.replace('..', '.')}\r\n`)
  expect(await client.say('QUIT')).toMatch(/^221 2\.0\.0/)
  expect(await client.rest()).toBe('')
})

describe('what is advertised', () => {
  it('is what is served: on the MX no AUTH, under TLS no STARTTLS', async () => {
    await using world = await startWorld({ messageBytes: 5000 })
    await using client = await Client.open(world.port('smtp'))
    const clear = ['PIPELINING', 'SIZE 5000', 'STARTTLS', 'ENHANCEDSTATUSCODES', '8BITMIME', 'DSN', 'SMTPUTF8']
    const lines = (answer: string) => answer.split('\n').map((line) => line.slice(4))
    expect(lines(await client.say('EHLO client.test'))).toEqual(['mail.example.test', ...clear])
    await client.startTls()
    expect(lines(await client.say('EHLO client.test'))).toEqual([
      'mail.example.test',
      ...clear.filter((word) => word !== 'STARTTLS'),
    ])
    expect(await client.say('AUTH PLAIN')).toBe('502 5.5.1 AUTH is not offered here')
    expect(await client.say('STARTTLS')).toBe('503 5.5.1 TLS is active already')
  })

  it('is nothing after HELO', async () => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('smtp'))
    expect(await client.say('HELO client.test')).toBe('250 mail.example.test')
    expect(await client.send('a@b.test', ['alice@example.test'], 'Subject: x\r\n\r\nx')).toMatch(/^250 2\.0\.0/)
    const [stored] = await world.messages('alice@example.test')
    expect(stored?.toString()).toMatch(/\swith SMTP\s+id /)
  })
})

describe('commands', () => {
  it.each([
    [['NOOP'], '250 2.0.0 Ok'],
    [['NOOP with words'], '250 2.0.0 Ok'],
    [['noop'], '250 2.0.0 Ok'],
    [['RSET'], '250 2.0.0 Ok'],
    [['HELP'], '214 2.0.0 See RFC 5321'],
    [['VRFY alice'], '252 2.0.0 Cannot VRFY user, but will take message and try to deliver it'],
    [['VRFY'], '501 5.5.4 Syntax: VRFY address'],
    [['EXPN list'], '502 5.5.1 Command not implemented'],
    [['ETRN x'], '502 5.5.1 Command not implemented'],
    [['BDAT 10 LAST'], '502 5.5.1 Command not implemented'],
    [['XCLIENT ADDR=1.2.3.4'], '502 5.5.1 Command not implemented'],
    [['XFORWARD ADDR=1.2.3.4'], '502 5.5.1 Command not implemented'],
    [['WIZ please'], '500 5.5.2 Command not recognized'],
    [['SHELL'], '500 5.5.2 Command not recognized'],
    [['KILL me'], '500 5.5.2 Command not recognized'],
    [['constructor'], '500 5.5.2 Command not recognized'],
    [['__proto__'], '500 5.5.2 Command not recognized'],
    [['toString'], '500 5.5.2 Command not recognized'],
    [[''], '500 5.5.2 Command not recognized'],
    [[' NOOP'], '500 5.5.2 Command not recognized'],
    [['MAIL FROM:<a@b.test>'], '503 5.5.1 Say EHLO first'],
    [['LHLO x'], '500 5.5.1 This is not LMTP: say EHLO'],
    [['EHLO'], '501 5.5.4 Syntax: EHLO hostname'],
    [['EHLO a b'], '501 5.5.4 Syntax: EHLO hostname'],
    [['EHLO c', 'RCPT TO:<alice@example.test>'], '503 5.5.1 Say MAIL first'],
    [['EHLO c', 'DATA'], '503 5.5.1 Say MAIL first'],
    [['EHLO c', 'MAIL FROM:<a@b.test>', 'DATA'], '503 5.5.1 No valid recipients'],
    [['EHLO c', 'MAIL FROM:<a@b.test>', 'MAIL FROM:<a@b.test>'], '503 5.5.1 A mail transaction is open already'],
    [['EHLO c', 'MAIL FROM:<a@b.test>', 'RSET', 'RCPT TO:<alice@example.test>'], '503 5.5.1 Say MAIL first'],
    [['EHLO c', 'MAIL FROM:<a@b.test>', 'EHLO c', 'RCPT TO:<alice@example.test>'], '503 5.5.1 Say MAIL first'],
    [['EHLO c', 'MAIL FROM:a@b.test'], '501 5.1.7 Syntax: MAIL FROM:<address>'],
    [['EHLO c', 'MAIL FROM:<a b>'], '501 5.1.7 That is no address'],
    [['EHLO c', 'MAIL FROM:<a@b.test> SIZE=x'], '501 5.5.4 Syntax error in a parameter of MAIL'],
    [['EHLO c', 'MAIL FROM:<a@b.test> FOO=x'], '555 5.5.4 Parameter FOO is not recognized'],
    [['EHLO c', 'MAIL FROM:<a@b.test> BODY=BINARYMIME'], '501 5.5.4 Syntax error in a parameter of MAIL'],
    [['EHLO c', 'MAIL FROM:<a@b.test> RET=SOME'], '501 5.5.4 Syntax error in a parameter of MAIL'],
    [['EHLO c', 'MAIL FROM:<a@b.test> ENVID=a+0D+0Ab'], '501 5.5.4 Syntax error in a parameter of MAIL'],
    [['EHLO c', 'MAIL FROM:<jürgen@b.test>'], '553 5.6.7 That address needs SMTPUTF8'],
    [['EHLO c', 'MAIL FROM:<jürgen@b.test> SMTPUTF8'], '250 2.1.0 Ok'],
    [['EHLO c', 'MAIL FROM:<> RET=HDRS ENVID=QQ314159 BODY=8BITMIME SIZE=100'], '250 2.1.0 Ok'],
    [['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<>'], '501 5.1.3 Syntax: RCPT TO:<address>'],
    [
      ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<alice@example.test> NOTIFY=NEVER,DELAY'],
      '501 5.5.4 Syntax error in a parameter of RCPT',
    ],
    [
      ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<alice@example.test> NOTIFY=SUCCESS ORCPT=rfc822;a+2Bb@c.test'],
      '250 2.1.5 Ok',
    ],
    [
      ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<alice@example.test> ORCPT=nothing'],
      '501 5.5.4 Syntax error in a parameter of RCPT',
    ],
    // RFC 6533 section 3: with its own letters only where the transaction has SMTPUTF8.
    [
      ['EHLO c', 'MAIL FROM:<> SMTPUTF8', 'RCPT TO:<alice@example.test> ORCPT=utf-8;jürgen\\x{2B}x@c.test'],
      '250 2.1.5 Ok',
    ],
    [
      ['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<alice@example.test> ORCPT=utf-8;jürgen@c.test'],
      '501 5.5.4 Syntax error in a parameter of RCPT',
    ],
    [
      ['EHLO c', 'MAIL FROM:<> SMTPUTF8', 'RCPT TO:<alice@example.test> ORCPT=rfc822;jürgen@c.test'],
      '501 5.5.4 Syntax error in a parameter of RCPT',
    ],
    [
      ['EHLO c', 'MAIL FROM:<> SMTPUTF8', 'RCPT TO:<alice@example.test> ORCPT=utf-8;jürgen\\x{D}@c.test'],
      '501 5.5.4 Syntax error in a parameter of RCPT',
    ],
    [['EHLO c', 'MAIL FROM:<>', 'RCPT TO:<alice@example.test> ORCPT=utf-8;j\\x{FC}rgen@c.test'], '250 2.1.5 Ok'],
  ])('%j gets %s', async (lines, last) => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('smtp'))
    let answer = ''
    for (const line of lines) answer = await client.say(line)
    expect(answer).toBe(last)
    expect(await client.say('NOOP')).toBe('250 2.0.0 Ok')
  })
})

it('answers pipelined commands in their order, a message among them (RFC 2920)', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  client.write(
    'EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<nobody@example.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: p\r\n\r\nx\r\n.\r\nNOOP\r\nMAIL FROM:<c@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\n.\r\nQUIT\r\n',
  )
  const codes: string[] = []
  for (let at = 0; at < 11; at++) codes.push((await client.reply()).split('\n').at(-1)?.slice(0, 9) ?? '')
  expect(codes).toEqual([
    '250 SMTPU',
    '250 2.1.0',
    '550 5.1.1',
    '250 2.1.5',
    '354 End d',
    '250 2.0.0',
    '250 2.0.0',
    '250 2.1.0',
    '250 2.1.5',
    '354 End d',
    '250 2.0.0',
  ])
  expect(await client.reply()).toMatch(/^221/)
  expect(await world.messages('bob@example.test')).toHaveLength(1)
})

it('delivers one message to a hundred recipients, and one copy to two names of one account', async () => {
  const accounts = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`user${at}@example.test`, 'secret']))
  await using world = await startWorld({ accounts, aliases: { 'nick@example.test': ['user0@example.test'] } })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  const to = [...Object.keys(accounts), 'nick@example.test', 'user0+tag@example.test']
  expect(await client.send('a@b.test', to, 'Subject: all\r\n\r\nx')).toMatch(/^250/)
  for (const name of Object.keys(accounts)) expect(await world.messages(name)).toHaveLength(1)
})
