import { queue } from 'mailserver'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { startWorld, type World } from './support/world.ts'

let world: World

beforeAll(async () => {
  world = await startWorld()
})

afterAll(async () => {
  await world[Symbol.asyncDispose]()
})

const DENIED = '554 5.7.1 Relaying denied'
const UNKNOWN = '550 5.1.1 No such user here'
const NO_ADDRESS = '501 5.1.3 That is no address'

describe('a stranger who wants mail relayed', () => {
  it.each([
    ['user@far.test', DENIED],
    ['user%far.test@example.test', UNKNOWN],
    ['far.test!user@example.test', UNKNOWN],
    ['"user@far.test"@example.test', UNKNOWN],
    ['user@far.test@example.test', NO_ADDRESS],
    ['@example.test:user@far.test', DENIED],
    ['@a.test,@example.test:user@far.test', DENIED],
    ['alice@sub.example.test', DENIED],
    ['alice@example.test.far.test', DENIED],
    ['user%far.test@mail.example.test', DENIED],
    ['alice@127.0.0.1', DENIED],
    ['alice@[127.0.0.1]', DENIED],
    ['alice@[IPv6:::1]', DENIED],
    ['user@[192.0.2.1]', DENIED],
    ['"<user@far.test>"@example.test', UNKNOWN],
    ['<user@far.test>', '501 5.1.3 Syntax: RCPT TO:<address>'],
    ['user', NO_ADDRESS],
    ['user@', NO_ADDRESS],
    ['"postmaster"', NO_ADDRESS],
    ['postmaster@far.test', DENIED],
  ])('hears no: %s', async (to, expected) => {
    for (const port of ['smtp', 'lmtp']) {
      await using client = await Client.open(world.port(port))
      await client.say(port === 'lmtp' ? 'LHLO c' : 'EHLO c')
      await client.say('MAIL FROM:<alice@example.test>')
      expect(await client.say(`RCPT TO:<${to}>`)).toBe(expected)
      expect(await client.say('DATA')).toBe('503 5.5.1 No valid recipients')
    }
    expect(await world.service(queue).count({})).toBe(0)
  })
})

describe('what a peer says of itself', () => {
  it.each([
    ['(evil) Bcc: x', 'a@b.test', '501 5.5.4 Syntax: EHLO hostname'],
    ['x\u2028Bcc:x', 'a@b.test', '501 5.5.4 Syntax: EHLO hostname'],
    ['x)(y', 'a@b.test', '250'],
    ['x;y', '"evil> (Bcc;"@b.test', '250'],
    ['<x>', '"\\"x"@b.test', '250'],
    ['c', '"a\tb"@b.test', '501 5.1.7 That is no address'],
  ])('neither ends the trace fields nor begins one: EHLO %j, MAIL FROM:<%s>', async (helo, from, expected) => {
    await using client = await Client.open(world.port('smtp'))
    const hello = await client.say(`EHLO ${helo}`)
    if (!hello.startsWith('250')) return expect(hello).toBe(expected)
    const answer = await client.send(from, ['alice@example.test'], 'Subject: x\r\n\r\nx')
    expect(answer.startsWith(expected)).toBe(true)
    if (expected !== '250') return
    const stored = (await world.messages('alice@example.test')).at(-1)?.toString() ?? ''
    expect(stored).toMatch(
      /^Return-Path: <[^\r\n]*@b\.test>\r\nReceived: from \[127\.0\.0\.1\] \(\[127\.0\.0\.1\]\) by mail\.example\.test with ESMTP\r\n\tid \w+ for <alice@example\.test>;\r\n\t[^\r\n]+\r\nSubject: x\r\n\r\nx\r\n$/,
    )
  })
})
