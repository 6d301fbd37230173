import {
  type ConfiguredPlugin,
  connectionOpened,
  defer,
  definePlugin,
  type HookRegistrar,
  helo,
  messageReceived,
  rcptTo,
  reject,
} from 'mailserver'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

const checker = (on: (hooks: HookRegistrar) => void): ConfiguredPlugin =>
  definePlugin({
    name: 'checker',
    apiVersion: '^1',
    options: z.object({}),
    setup({ hooks }) {
      on(hooks)
      return undefined
    },
  })()

it.each([
  [reject('5.7.1', 'Listed'), '554 5.7.1 Listed'],
  [defer('4.7.1', 'Later'), '421 4.7.1 Later'],
])('refuses a connection in place of the greeting (RFC 5321 section 4.3.2): %j', async (verdict, answer) => {
  await using world = await startWorld({ plugins: [checker((hooks) => hooks.on(connectionOpened, () => verdict))] })
  await using client = await Client.open(world.port('smtp'), { greeting: false })
  client.write('EHLO c\r\nMAIL FROM:<a@b.test>\r\n')
  expect(await client.rest()).toBe(answer)
})

it('takes no mail after a refused HELO', async () => {
  const plugins = [
    checker((hooks) => hooks.on(helo, ({ name }) => (name === 'bad' ? reject('5.7.1', 'No') : undefined))),
  ]
  await using world = await startWorld({ plugins })
  await using client = await Client.open(world.port('smtp'))
  expect(await client.say('EHLO bad')).toBe('550 5.7.1 No')
  expect(await client.say('MAIL FROM:<a@b.test>')).toBe('503 5.5.1 Say EHLO first')
  expect(await client.say('EHLO good')).toMatch(/^250/)
  expect(await client.say('MAIL FROM:<a@b.test>')).toMatch(/^250/)
})

it('words a refusal exactly as the check does, and ends the session after 421', async () => {
  const plugins = [
    checker((hooks) => {
      hooks.on(rcptTo, ({ recipient }) =>
        recipient.address.local === 'bob'
          ? { action: 'defer', code: '4.7.28', text: 'Too fast', reply: 421 }
          : undefined,
      )
      hooks.on(messageReceived, () => reject('5.7.1', 'Spam\r\n250 2.0.0 Ok', 571))
    }),
  ]
  await using world = await startWorld({ plugins })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  expect(await client.send('a@b.test', ['alice@example.test'], 'Subject: x\r\n\r\nx')).toBe(
    '571 5.7.1 Spam 250 2.0.0 Ok',
  )
  await client.say('MAIL FROM:<a@b.test>')
  expect(await client.say('RCPT TO:<bob@example.test>')).toBe('421 4.7.28 Too fast')
  expect(await client.rest()).toBe('')
})

it('waits for a slow check longer than a peer may be idle', async () => {
  const slow = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), 600))
  await using world = await startWorld({
    smtp: { limits: { idleTimeout: 200 } },
    plugins: [
      checker((hooks) => {
        hooks.on(connectionOpened, slow)
        hooks.on(rcptTo, slow)
        hooks.on(messageReceived, slow)
      }),
    ],
  })
  await using client = await Client.open(world.port('smtp'))
  await client.say('EHLO c')
  expect(await client.send('a@b.test', ['alice@example.test'], 'Subject: x\r\n\r\nx')).toMatch(/^250/)
})
