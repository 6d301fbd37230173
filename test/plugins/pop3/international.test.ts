import { describe, expect, test } from 'vitest'
import { Pop3Client } from './pop3-client.ts'
import { PASSWORD, type Pop3Host, startPop3 } from './pop3-host.ts'

const BODY = 'Körper\r\n'
const HEADER = 'From: Jürgen <jürgen@exämple.test>\r\nTo: alice@example.test\r\nSubject: Grüße\r\n\r\n'

async function login(host: Pop3Host, ...before: string[]): Promise<Pop3Client> {
  const client = await Pop3Client.connect(host)
  for (const line of before) expect(await client.command(line)).toMatch(/^\+OK/)
  await client.command('USER alice@example.test')
  expect(await client.command(`PASS ${PASSWORD}`)).toMatch(/^\+OK/)
  return client
}

describe('UTF8 (RFC 6856 section 2)', () => {
  test('sends headers as they are to who asks for it', async () => {
    await using host = await startPop3()
    await host.deliver([Buffer.from(HEADER + BODY)])
    using client = await login(host, 'UTF8')
    expect(Buffer.from((await client.lines('RETR 1')).body, 'latin1').toString()).toBe(HEADER + BODY)
    expect(await client.command('UTF8')).toMatch(/^-ERR/)
  })

  test('and in ASCII to who does not, the body untouched (RFC 6858)', async () => {
    await using host = await startPop3()
    await host.deliver([Buffer.from(HEADER + BODY)])
    using client = await login(host)
    for (const command of ['RETR 1', 'TOP 1 1']) {
      const [header = '', body] = (await client.lines(command)).body.split('\r\n\r\n')
      expect(header).toMatch(/^[\x20-\x7e\r\n]+$/)
      expect(header).toContain('To: alice@example.test\r\n')
      expect(Buffer.from(body ?? '', 'latin1').toString()).toBe(BODY)
    }
  })

  test('leaves headers alone that are no UTF-8, and those in ASCII', async () => {
    await using host = await startPop3()
    const messages = ['Subject: Gr\xfc\xdfe\r\n\r\nx\r\n', 'Subject: plain\r\n\r\n\xc3\xbc\r\n', 'no header at all']
    await host.deliver(messages)
    using client = await login(host)
    for (const [at, text] of messages.entries()) {
      expect((await client.lines(`RETR ${at + 1}`)).body.trimEnd()).toBe(text.trimEnd())
    }
  })

  test('has no argument, and is forgotten by STLS', async () => {
    await using host = await startPop3()
    using client = await Pop3Client.connect(host, { tls: false })
    expect(await client.command('UTF8 now')).toMatch(/^-ERR/)
    expect(await client.command('utf8')).toMatch(/^\+OK/)
  })
})

test('LANG lists the languages, and takes one of them (RFC 6856 section 3)', async () => {
  await using host = await startPop3()
  using client = await login(host)
  expect((await client.lines('LANG')).body).toBe('en English\r\ni-default English\r\n')
  for (const tag of ['en', 'EN-gb', '*', 'i-default']) expect(await client.command(`LANG ${tag}`)).toMatch(/^\+OK /)
  expect(await client.command('LANG tlh')).toMatch(/^-ERR /)
})
