import { type Log, queue } from 'mailserver'
import { describe, expect, it } from 'vitest'
import { Client, plain } from './support/client.ts'
import { startWorld } from './support/world.ts'

const ALICE = plain('alice@example.test', 'secret')
const MESSAGE = 'From: alice@example.test\r\nSubject: x\r\n\r\nx'

async function loggedIn(port: number): Promise<Client> {
  const client = await Client.open(port)
  await client.say('EHLO c')
  await client.startTls()
  await client.say('EHLO c')
  const answer = await client.say(`AUTH PLAIN ${ALICE}`)
  if (!answer.startsWith('235')) throw new Error(answer)
  return client
}

describe('AUTH', () => {
  it('is neither offered nor taken before TLS', async () => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('submission'))
    expect(await client.say('EHLO c')).not.toContain('AUTH')
    expect(await client.say(`AUTH PLAIN ${ALICE}`)).toMatch(/^538 5\.7\.11 /)
    expect(await client.say('MAIL FROM:<alice@example.test>')).toMatch(/^530 5\.7\.0 /)
    await client.startTls()
    expect(await client.say('EHLO c')).toMatch(/AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/)
  })

  it.each([
    ['PLAIN with an initial response', [`AUTH PLAIN ${ALICE}`]],
    ['PLAIN without', ['AUTH PLAIN', ALICE]],
    ['LOGIN', ['AUTH LOGIN', btoa('alice@example.test'), btoa('secret')]],
    ['LOGIN with an initial response', [`AUTH LOGIN ${btoa('alice@example.test')}`, btoa('secret')]],
    ['small letters', [`auth plain ${ALICE}`]],
  ])('takes %s', async (_what, lines) => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('submission', { tls: true }), { tls: true })
    expect(await client.say('EHLO c')).toMatch(/AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN/)
    let answer = ''
    for (const line of lines) answer = await client.say(line)
    expect(answer).toBe('235 2.7.0 Authentication succeeded')
    expect(await client.say(`AUTH PLAIN ${ALICE}`)).toMatch(/^503 5\.5\.1 /)
    expect(await client.say('EHLO c')).not.toContain('AUTH')
    expect(await client.say('MAIL FROM:<alice@example.test>')).toMatch(/^250/)
  })

  it.each([
    [['AUTH'], /^501 5\.5\.4/],
    [['AUTH CRAM-MD5'], /^504 5\.5\.4/],
    [['AUTH constructor'], /^504 5\.5\.4/],
    [['AUTH PLAIN !!!!'], /^501 5\.5\.2/],
    [[`AUTH PLAIN ${btoa('no nul')}`], /^501 5\.5\.2/],
    [['AUTH PLAIN ='], /^501 5\.5\.2/],
    [['AUTH PLAIN', '*'], /^501 5\.7\.0/],
    [['AUTH LOGIN', '*'], /^501 5\.7\.0/],
    [['AUTH LOGIN', btoa('alice@example.test'), '*'], /^501 5\.7\.0/],
    [['AUTH PLAIN', 'x'.repeat(20_000)], /^500 5\.5\.2/],
    [[`AUTH PLAIN ${plain('alice@example.test', 'wrong')}`], /^535 5\.7\.8/],
    [[`AUTH PLAIN ${plain('nobody@example.test', 'secret')}`], /^535 5\.7\.8/],
    [[`AUTH PLAIN ${plain('alice@example.test', 'secret', 'bob@example.test')}`], /^535 5\.7\.8/],
    [[`AUTH LOGIN ${btoa('alice@example.test')}`, btoa('wrong')], /^535 5\.7\.8/],
  ])('%j is refused', async (lines, answer) => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('submission', { tls: true }), { tls: true })
    await client.say('EHLO c')
    let last = ''
    for (const line of lines) last = await client.say(line)
    expect(last).toMatch(answer)
    expect(await client.say('MAIL FROM:<alice@example.test>')).toMatch(/^530 5\.7\.0/)
  })

  it('ends the session at the third wrong password', async () => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('submission', { tls: true }), { tls: true })
    await client.say('EHLO c')
    const wrong = `AUTH PLAIN ${plain('alice@example.test', 'wrong')}`
    expect(await client.say(wrong)).toMatch(/^535/)
    expect(await client.say(wrong)).toMatch(/^535/)
    expect(await client.say(wrong)).toBe('421 4.7.0 Too many wrong passwords')
    expect(await client.rest()).toBe('')
  })

  it('leaves no credential in the log, at any level', async () => {
    const lines: string[] = []
    const say = (fields: object, message?: string) => void lines.push(JSON.stringify([fields, message]))
    const log: Log = { trace: say, debug: say, info: say, warn: say, error: say, child: () => log }
    await using world = await startWorld({ log })
    await using client = await Client.open(world.port('submission', { tls: true }), { tls: true })
    await client.say('EHLO c')
    await client.say('AUTH LOGIN')
    await client.say(btoa('alice@example.test'))
    await client.say(btoa('secret'))
    await using other = await Client.open(world.port('submission', { tls: true }), { tls: true })
    await other.say('EHLO c')
    await other.say(`AUTH PLAIN ${plain('alice@example.test', 'hunter2')}`)
    expect(lines.length).toBeGreaterThan(3)
    for (const secret of ['hunter2', '"secret"', btoa('secret'), ALICE, plain('alice@example.test', 'hunter2')]) {
      expect(lines.join('\n')).not.toContain(secret)
    }
  })
})

describe('a message submitted', () => {
  it.each([
    ['alice@example.test', /^250/],
    ['Alice@Example.Test', /^250/],
    ['alice+tag@example.test', /^250/],
    ['sales@example.test', /^250/],
    ['bob@example.test', /^550 5\.7\.1 /],
    ['ceo@elsewhere.test', /^550 5\.7\.1 /],
    ['', /^250/],
  ])('may come from <%s>: %s (RFC 6409 section 6.1)', async (sender, answer) => {
    await using world = await startWorld({ aliases: { 'sales@example.test': ['alice@example.test'] } })
    await using client = await loggedIn(world.port('submission'))
    expect(await client.say(`MAIL FROM:<${sender}>`)).toMatch(answer)
  })

  it.each([
    ['From: alice@example.test', /^250/],
    ['From: "Alice, A." <Alice+x@EXAMPLE.test>', /^250/],
    ['From: bob@example.test', /^550 5\.7\.1 /],
    ['From: alice@example.test, bob@example.test', /^550 5\.7\.1 /],
    ['From: alice@example.test\r\nFrom: bob@example.test', /^550 5\.7\.1 /],
    ['From: "alice@example.test" <ceo@elsewhere.test>', /^550 5\.7\.1 /],
    ['From: team: bob@example.test;', /^550 5\.7\.1 /],
  ])('must not say it is from somebody else: %j', async (from, answer) => {
    await using world = await startWorld()
    await using client = await loggedIn(world.port('submission'))
    const got = await client.send('alice@example.test', ['bob@example.test'], `${from}\r\nSubject: x\r\n\r\nx`)
    expect(got).toMatch(answer)
  })

  it('gets the Date and Message-ID it lacks, and keeps those it has (RFC 6409 section 8)', async () => {
    await using world = await startWorld()
    await using client = await loggedIn(world.port('submission'))
    await client.send('alice@example.test', ['bob@example.test'], MESSAGE)
    const own = 'Date: Thu, 1 Jan 1970 00:00:00 +0000\r\nMessage-ID: <own@c>\r\n'
    await client.send('alice@example.test', ['bob@example.test'], own + MESSAGE)
    const [first, second] = (await world.messages('bob@example.test')).map(String)
    expect(first).toMatch(/\r\nDate: \w{3}, \d+ \w+ \d{4} .*\r\nMessage-ID: <\w+@mail\.example\.test>\r\nFrom: alice/)
    expect(second?.match(/^(?:Date|Message-ID):/gm)).toHaveLength(2)
    expect(second).toContain(`${own}From: alice`)
    expect(first).toMatch(/\swith\sESMTPSA\s/)
  })

  it('goes to the queue for others, without the Return-Path of the local copy', async () => {
    await using world = await startWorld()
    await using client = await loggedIn(world.port('submission'))
    const to = ['bob@example.test', 'x@elsewhere.test', 'x@ELSEWHERE.test', 'y@elsewhere.test']
    expect(await client.send('alice@example.test', to, MESSAGE)).toMatch(/^250/)
    const { entries } = await world.service(queue).list({})
    expect(entries.map(({ recipient }) => recipient.recipient.address.local)).toEqual(['x', 'y'])
    const { message } = entries[0] ?? {}
    const [local] = await world.messages('bob@example.test')
    expect(local?.subarray(0, message?.offset).toString()).toBe('Return-Path: <alice@example.test>\r\n')
    expect(local?.length).toBe((message?.offset ?? 0) + (message?.size ?? 0))
  })

  it('is refused for an unknown user of ours', async () => {
    await using world = await startWorld()
    await using client = await loggedIn(world.port('submission'))
    await client.say('MAIL FROM:<alice@example.test>')
    expect(await client.say('RCPT TO:<nobody@example.test>')).toMatch(/^550 5\.1\.1 /)
  })

  it('is forgotten with the login when TLS begins (RFC 3207 section 4.2)', async () => {
    await using world = await startWorld()
    await using client = await Client.open(world.port('submission'))
    await client.say('EHLO c')
    await client.startTls()
    expect(await client.say('MAIL FROM:<alice@example.test>')).toMatch(/^503 5\.5\.1 Say EHLO/)
  })
})
