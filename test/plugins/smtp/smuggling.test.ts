import { expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

const ENDS = [
  '\n.\n',
  '\n.\r\n',
  '\r\n.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\n.\r',
  '\r\r\n.\r\n',
  '\n\r\n.\r\n',
  '\r.\n',
  '\n.\r',
]

it.each(ENDS.map((end) => [end]))('takes %j for no end of a message, and no command after it', async (end) => {
  await using world = await startWorld()
  for (const cut of [0, 1, 2, 3]) {
    await using client = await Client.open(world.port('smtp'))
    await client.say('EHLO client.test')
    await client.say('MAIL FROM:<a@b.test>')
    await client.say('RCPT TO:<alice@example.test>')
    await client.say('DATA')
    const smuggled =
      'MAIL FROM:<ceo@b.test>\r\nRCPT TO:<bob@example.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n'
    client.write(`Subject: outer\r\n\r\nx${end.slice(0, cut)}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
    client.write(`${end.slice(cut)}${smuggled}`)
    expect(await client.rest()).toBe('554 5.6.0 Bare CR or LF is refused: lines end in CRLF')
  }
  expect(await world.messages('alice@example.test')).toEqual([])
  expect(await world.messages('bob@example.test')).toEqual([])
})

it('refuses a bare line end in a command and closes', async () => {
  await using world = await startWorld()
  for (const bad of ['NOOP\n', 'NOOP\rRSET\r\n', 'EHLO a\nMAIL FROM:<>\r\n']) {
    await using client = await Client.open(world.port('smtp'))
    client.write(bad)
    expect(await client.rest()).toBe('521 5.5.2 Bare CR or LF is refused: lines end in CRLF')
  }
})

it('obeys nothing that came in clear after STARTTLS (RFC 3207 section 6)', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO client.test')
  client.write('STARTTLS\r\nEHLO injected\r\nMAIL FROM:<evil@b.test>\r\n')
  expect(await client.reply()).toMatch(/^220 2\.0\.0/)
  await client.upgrade()
  expect(await client.say('RCPT TO:<alice@example.test>')).toBe('503 5.5.1 Say EHLO first')
  expect(await client.say('EHLO client.test')).not.toContain('STARTTLS')
})
