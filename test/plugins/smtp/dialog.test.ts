import { expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { belowTrace, startWorld } from './support/world.ts'

it('takes a message and keeps it byte for byte below the trace fields (RFC 5321 section 4.4)', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  expect(await client.say('EHLO client.test')).toMatch(/^250-mail.example.test\n250-PIPELINING\n/)
  const message = 'From: a@b.test\r\nSubject: one\r\n\r\n.dot\r\nbody\r\n'
  expect(await client.send('a@b.test', ['alice@example.test'], message.replace('.dot', '..dot'))).toMatch(
    /^250 2\.0\.0 Accepted as \w+$/,
  )
  const [stored] = await world.messages('alice@example.test')
  expect(stored?.toString()).toMatch(/^Return-Path: <a@b\.test>\r\nReceived: from client\.test \(/)
  expect(stored && belowTrace(stored).toString()).toBe(`${message}\r\n`)
  expect(await client.say('QUIT')).toMatch(/^221 2\.0\.0/)
})
