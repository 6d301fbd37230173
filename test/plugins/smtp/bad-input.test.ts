import { randomBytes } from 'node:crypto'
import { sessions } from 'mailserver'
import { expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

const STATES: readonly (readonly string[])[] = [
  [],
  ['EHLO c'],
  ['EHLO c', 'MAIL FROM:<a@b.test>'],
  ['EHLO c', 'MAIL FROM:<a@b.test>', 'RCPT TO:<alice@example.test>'],
]

it('answers an over-long command and goes on, in every state', async () => {
  await using world = await startWorld()
  for (const state of STATES) {
    await using client = await Client.open(world.port('smtp'))
    for (const line of state) await client.say(line)
    expect(await client.say(`NOOP ${'x'.repeat(100_000)}`)).toBe('500 5.5.2 Line too long')
    expect(await client.say('NOOP')).toBe('250 2.0.0 Ok')
    expect(await client.say(`NOOP ${'x'.repeat(2048 - 5)}`)).toBe('250 2.0.0 Ok')
    expect(await client.say(`NOOP ${'x'.repeat(2048 - 4)}`)).toBe('500 5.5.2 Line too long')
  }
})

it('ends a session of noise, in every state, and serves the next', async () => {
  await using world = await startWorld()
  for (const state of STATES) {
    await using client = await Client.open(world.port('smtp'))
    for (const line of state) await client.say(line)
    client.write(randomBytes(200_000))
    expect(await client.rest()).toMatch(/^(?:(?:500|501|503|521|421) .*\n?)+$/)
  }
  await using client = await Client.open(world.port('smtp'))
  expect(await client.say('EHLO c')).toMatch(/^250/)
})

it('leaves nothing behind when the peer vanishes, in every state', async () => {
  await using world = await startWorld()
  for (const state of [...STATES, [...(STATES.at(-1) ?? []), 'DATA']]) {
    const client = await Client.open(world.port('smtp'))
    for (const line of state) await client.say(line)
    client.write('Subject: half\r\n\r\nhalf a mess')
    client.vanish()
  }
  await eventually(() => world.service(sessions).list().length === 0)
  expect(await world.messages('alice@example.test')).toEqual([])
  const journey = await eventually(() => world.journey('alice@example.test'))
  expect(journey.events.at(-1)?.text).toBe('451 4.4.2 Connection lost before the end of the message')
})

it('says goodbye to a peer that is silent, also in the middle of a message', async () => {
  await using world = await startWorld({ smtp: { limits: { idleTimeout: 200 } } })
  for (const state of [...STATES, [...(STATES.at(-1) ?? []), 'DATA']]) {
    await using client = await Client.open(world.port('smtp'))
    for (const line of state) await client.say(line)
    if (state.at(-1) === 'DATA') client.write('Subject: half\r\n')
    expect(await client.reply()).toMatch(/^421 4\.4\.2 /)
    expect(await client.rest()).toBe('')
  }
})

it('says goodbye to a peer that drips, and has patience with one that is slow', async () => {
  await using world = await startWorld({ smtp: { limits: { idleTimeout: 200 } } })
  for (const state of [[], [...(STATES.at(-1) ?? []), 'DATA']]) {
    await using client = await Client.open(world.port('smtp'))
    for (const line of state) await client.say(line)
    const drip = setInterval(() => client.write('x'), 40)
    expect(await client.reply()).toBe('421 4.4.2 Too slow - closing connection')
    clearInterval(drip)
  }
  await using slow = await Client.open(world.port('smtp'))
  for (const line of [...(STATES.at(-1) ?? []), 'DATA']) await slow.say(line)
  for (let at = 0; at < 25; at++) {
    slow.write(`${'x'.repeat(510)}\r\n`)
    await new Promise((resolve) => setTimeout(resolve, 40))
  }
  slow.write('.\r\n')
  expect(await slow.reply()).toMatch(/^250/)
})

it('ends a session that makes too many errors, and forgives them after a message', async () => {
  await using world = await startWorld({ smtp: { limits: { errors: 3 } } })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < 3; at++) expect(await client.say('FOO')).toMatch(/^500/)
    expect(await client.send('a@b.test', ['alice@example.test'], 'x: y\r\n\r\n')).toMatch(/^250/)
  }
  await client.say('MAIL FROM:<a@b.test>')
  for (let at = 0; at < 3; at++) expect(await client.say(`RCPT TO:<no${at}@example.test>`)).toMatch(/^550 5\.1\.1/)
  expect(await client.say('RCPT TO:<no3@example.test>')).toBe('421 4.7.0 Too many errors')
  expect(await client.rest()).toBe('')
})

it('ends a session of commands that lead nowhere', async () => {
  await using world = await startWorld({ smtp: { limits: { junkCommands: 5 } } })
  await using client = await Client.open(world.port('smtp'))
  for (let at = 0; at < 5; at++) expect(await client.say('NOOP')).toMatch(/^250/)
  expect(await client.say('NOOP')).toBe('421 4.7.0 Too many commands without a message')
})

it('sends a browser away at once', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  client.write('POST / HTTP/1.1\r\nHost: x\r\n\r\nMAIL FROM:<a@b.test>\r\n')
  expect(await client.rest()).toBe('421 4.7.0 This is no web server')
})

it('refuses who speaks before the greeting, when it is told to wait (RFC 5321 section 3.1)', async () => {
  await using world = await startWorld({ smtp: { earlyTalkerMs: 200 } })
  await using early = await Client.open(world.port('smtp'), { greeting: false })
  early.write('EHLO early\r\n')
  expect(await early.rest()).toBe('554 5.5.1 You speak before the greeting')
  await using patient = await Client.open(world.port('smtp'))
  expect(await patient.say('EHLO patient')).toMatch(/^250/)
})

it('takes commands that come before the greeting when it does not wait', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'), { greeting: false })
  client.write('EHLO c\r\n')
  expect(await client.reply()).toMatch(/^220 mail\.example\.test ESMTP$/)
  expect(await client.reply()).toMatch(/^250-/)
})

it.each([
  ['a NUL octet', 'Subject: x\r\n\r\na\0b', /^554 5\.6\.0 .*NUL/],
  ['a line too long', `Subject: x\r\n\r\n${'x'.repeat(999)}`, /^500 5\.5\.2 Line/],
  ['too much', `Subject: x\r\n\r\n${'x'.repeat(998)}\r\n`.repeat(20), /^552 5\.3\.4 /],
  ['a header too long', `X: ${'y'.repeat(900)}\r\n`.repeat(12), /^552 5\.3\.4 /],
])('refuses a message with %s, and goes on', async (_what, message, answer) => {
  await using world = await startWorld({ messageBytes: 10_000 })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  expect(await client.send('a@b.test', ['alice@example.test'], message)).toMatch(answer)
  expect(await client.send('a@b.test', ['alice@example.test'], 'Subject: good\r\n\r\nx')).toMatch(/^250/)
  expect(await world.messages('alice@example.test')).toHaveLength(1)
})

it('refuses a message that announces itself too large, before it comes (RFC 1870 section 6.1)', async () => {
  await using world = await startWorld({ messageBytes: 10_000 })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  expect(await client.say('MAIL FROM:<a@b.test> SIZE=10001')).toMatch(/^552 5\.3\.4 /)
  expect(await client.say('MAIL FROM:<a@b.test> SIZE=10000')).toMatch(/^250/)
})

it('has no limit of size when that is 0', async () => {
  await using world = await startWorld({ messageBytes: 0 })
  await using client = await Client.open(world.port('smtp'))
  expect((await client.say('EHLO c')).split('\n')).toContain('250-SIZE')
  expect(await client.say('MAIL FROM:<a@b.test> SIZE=99999999999')).toMatch(/^250/)
  await client.say('RSET')
  const message = `Subject: x\r\n\r\n${`${'x'.repeat(98)}\r\n`.repeat(20_000)}`
  expect(await client.send('a@b.test', ['alice@example.test'], message)).toMatch(/^250/)
})

it('does not buffer replies for a peer that never reads them', async () => {
  await using world = await startWorld({ smtp: { limits: { junkCommands: 1_000_000 } } })
  await using client = await Client.open(world.port('smtp'))
  client.pause()
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().external
  for (let at = 0; at < 200; at++) client.write('HELP\r\n'.repeat(2000))
  await new Promise((resolve) => setTimeout(resolve, 500))
  const list = world.service(sessions).list()
  expect(list).toHaveLength(1)
  expect(process.memoryUsage().arrayBuffers + process.memoryUsage().external - before).toBeLessThan(32 * 1024 * 1024)
})

it('outlives a TLS handshake of noise, and one that never comes', async () => {
  await using world = await startWorld({ smtp: { limits: { handshakeTimeout: 200 } } })
  await using noisy = await Client.open(world.port('smtp'))
  await noisy.say('EHLO c')
  await noisy.say('STARTTLS')
  noisy.write(randomBytes(1000))
  await noisy.rest()
  await using silent = await Client.open(world.port('smtp'))
  await silent.say('EHLO c')
  await silent.say('STARTTLS')
  expect(await silent.rest()).toBe('')
  await using client = await Client.open(world.port('smtp'))
  await client.startTls()
  expect(await client.say('EHLO c')).toMatch(/^250/)
  expect(world.service(sessions).list()).toMatchObject([{ protocol: 'smtp', tls: true, state: 'ready' }])
})
