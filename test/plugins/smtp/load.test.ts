import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { sessions } from 'mailserver'
import { lmtp } from 'mailserver/plugins/smtp'
import { expect, it } from 'vitest'
import { eventually, scratch } from '../../support/peer.ts'
import { startTestServer } from '../../support/test-server.ts'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

it('serves a thousand sessions at once, and tells the next to come again', { timeout: 60_000 }, async () => {
  await using world = await startWorld({ smtp: { limits: { connections: 1_000, perAddress: 1_000 } } })
  const port = world.port('smtp')
  const clients = await Promise.all(Array.from({ length: 1_000 }, () => Client.open(port)))
  try {
    await using tooMany = await Client.open(port, { greeting: false })
    expect(await tooMany.rest()).toBe('421 4.7.0 Too many connections, come again')
    const answers = await Promise.all(
      clients.map(async (client) => {
        await client.say('EHLO c')
        return client.send('a@b.test', ['alice@example.test'], 'Subject: one of many\r\n\r\nx')
      }),
    )
    expect(new Set(answers.map((answer) => answer.slice(0, 9)))).toEqual(new Set(['250 2.0.0']))
    expect(await world.messages('alice@example.test')).toHaveLength(1_000)
  } finally {
    for (const client of clients) await client[Symbol.asyncDispose]()
  }
  await eventually(() => world.service(sessions).list().length === 0)
  await using again = await Client.open(port)
  expect(await again.say('NOOP')).toMatch(/^250/)
})

it('refuses the one too many of one address', async () => {
  await using world = await startWorld({ smtp: { limits: { perAddress: 2 } } })
  const port = world.port('smtp')
  await using _first = await Client.open(port)
  await using _second = await Client.open(port)
  await using third = await Client.open(port, { greeting: false })
  expect(await third.rest()).toMatch(/^421 4\.7\.0/)
})

it('speaks LMTP on a unix socket', async () => {
  using directory = scratch('lmtp')
  const path = join(directory.path, 'lmtp.sock')
  await using _server = await startTestServer({ plugins: [lmtp({ listen: `unix:${path}` })] })
  const socket = connect(path)
  await once(socket, 'connect')
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  socket.write('LHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n')
  await eventually(() => text.includes('354 '))
  socket.write('Subject: x\r\n\r\nx\r\n.\r\nQUIT\r\n')
  await eventually(() => text.includes('221 '))
  expect(text).toMatch(/\r\n250 2\.0\.0 Accepted as \w+\r\n221/)
  socket.destroy()
})
