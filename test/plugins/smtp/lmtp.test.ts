import { expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

it('answers once for each recipient that was taken, in their order (RFC 2033 section 4.2)', async () => {
  await using world = await startWorld({ quotaBytes: { 'bob@example.test': 2000 } })
  await using client = await Client.open(world.port('lmtp'))
  expect(await client.say('EHLO c')).toBe('500 5.5.1 This is LMTP: say LHLO')
  expect(await client.say('LHLO c')).toMatch(/^250-/)
  expect(await client.say('DATA')).toMatch(/^503 5\.5\.1/)
  await client.say('MAIL FROM:<a@b.test>')
  for (const [to, answer] of [
    ['alice@example.test', '250'],
    ['nobody@example.test', '550 5.1.1'],
    ['bob@example.test', '250'],
    ['alice@example.test', '250'],
    ['x@elsewhere.test', '554 5.7.1'],
  ]) {
    expect((await client.say(`RCPT TO:<${to}>`)).startsWith(answer as string)).toBe(true)
  }
  await client.say('DATA')
  client.write(`Subject: x\r\n\r\n${'y'.repeat(900)}\r\n${'y'.repeat(900)}\r\n${'y'.repeat(900)}\r\n.\r\nNOOP\r\n`)
  expect(await client.reply()).toMatch(/^250 2\.0\.0 Accepted as/)
  expect(await client.reply()).toMatch(/^452 4\.2\.2 /)
  expect(await client.reply()).toMatch(/^250 2\.0\.0 Accepted as/)
  expect(await client.reply()).toBe('250 2.0.0 Ok')
  expect(await world.messages('alice@example.test')).toHaveLength(1)
  expect(await world.messages('bob@example.test')).toHaveLength(0)
  expect(String((await world.messages('alice@example.test'))[0])).toMatch(/\swith\sLMTP\s/)
})

it('answers a refused message once for each recipient', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('lmtp'))
  await client.say('LHLO c')
  for (const bad of ['a\0b', 'a\nb']) {
    await client.say('MAIL FROM:<a@b.test>')
    await client.say('RCPT TO:<alice@example.test>')
    await client.say('RCPT TO:<bob@example.test>')
    await client.say('DATA')
    client.write(`Subject: x\r\n\r\n${bad}\r\n.\r\n`)
    expect(await client.reply()).toMatch(/^554 5\.6\.0/)
    expect(await client.reply()).toMatch(/^554 5\.6\.0/)
  }
  expect(await client.rest()).toBe('')
})
