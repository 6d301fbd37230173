import { connect } from 'node:net'
import { expect, it } from 'vitest'
import { eventually } from '../../support/peer.ts'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

it('sends idle sessions away, lets a transaction in hand finish, and takes nobody new', async () => {
  await using world = await startWorld()
  const port = world.port('smtp')
  await using idle = await Client.open(port)
  await using greeted = await Client.open(port)
  await greeted.say('EHLO c')
  await using busy = await Client.open(port)
  await busy.say('EHLO c')
  await busy.say('MAIL FROM:<a@b.test>')
  const drained = world.host.drain(AbortSignal.timeout(5_000), 'stop')
  expect(await idle.reply()).toBe('421 4.3.2 Server is going down, come again')
  expect(await greeted.reply()).toBe('421 4.3.2 Server is going down, come again')
  expect(await greeted.rest()).toBe('')
  expect(await busy.say('RCPT TO:<alice@example.test>')).toMatch(/^250/)
  await busy.say('DATA')
  busy.write('Subject: last\r\n\r\nx\r\n.\r\n')
  expect(await busy.reply()).toMatch(/^250 2\.0\.0/)
  expect(await busy.reply()).toBe('421 4.3.2 Server is going down, come again')
  await drained
  const refused = await new Promise((resolve) => connect(port, '127.0.0.1').on('error', () => resolve(true)))
  expect(refused).toBe(true)
  expect(await world.messages('alice@example.test')).toHaveLength(1)
})

it('cuts what is left when the time is over', async () => {
  await using world = await startWorld()
  await using stalled = await Client.open(world.port('smtp'))
  await stalled.say('EHLO c')
  await stalled.say('MAIL FROM:<a@b.test>')
  const before = Date.now()
  await world.host.drain(AbortSignal.timeout(200), 'stop')
  expect(Date.now() - before).toBeLessThan(2_000)
  expect(await stalled.rest()).toBe('421 4.3.2 Server is going down, come again')
})

it('lets sessions go on over a reload, until they end by themselves', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  let isDrained = false
  const drained = world.host.drain(AbortSignal.timeout(10_000), 'reload').then(() => {
    isDrained = true
  })
  await client.say('EHLO c')
  expect(await client.send('a@b.test', ['alice@example.test'], 'Subject: x\r\n\r\nx')).toMatch(/^250/)
  expect(isDrained).toBe(false)
  await client.say('QUIT')
  await drained
  await eventually(() => isDrained)
})

it('ends idle sessions when a stop comes during a reload', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  const before = Date.now()
  const reload = world.host.drain(AbortSignal.timeout(10_000), 'reload')
  await client.say('EHLO c')
  const stop = world.host.drain(AbortSignal.timeout(10_000), 'stop')
  expect(await client.reply()).toMatch(/^421 4\.3\.2/)
  await Promise.all([reload, stop])
  expect(Date.now() - before).toBeLessThan(5_000)
})
