import { expect, it } from 'vitest'
import { Client } from './support/client.ts'
import { startWorld } from './support/world.ts'

const PIPELINED =
  'EHLO c\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\nSubject: last\r\n\r\nx\r\n.\r\n'

it.each([false, true])('answers the last dot of a peer that has closed its side, TLS %j', async (tls) => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  if (tls) {
    await client.say('EHLO c')
    await client.startTls()
  }
  client.write(PIPELINED)
  client.endWrites()
  expect(await client.rest()).toMatch(/\n250 2\.0\.0 Accepted as \w+$/)
  expect(await world.messages('alice@example.test')).toHaveLength(1)
})

it('answers what came before the end, and ends with the peer', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  client.write('NOOP\r\nNOOP\r\nNOOP without a line end')
  client.endWrites()
  expect(await client.rest()).toBe('250 2.0.0 Ok\n250 2.0.0 Ok')
})

it('takes no message whose end did not come', async () => {
  await using world = await startWorld()
  await using client = await Client.open(world.port('smtp'))
  client.write(PIPELINED.slice(0, -3))
  client.endWrites()
  expect(await client.rest()).not.toContain('Accepted')
  expect(await world.messages('alice@example.test')).toEqual([])
})
