import { fakeClock } from 'mailserver/testing'
import { expect, it } from 'vitest'
import { Offers } from '../../../plugins/imap/offer.ts'
import { imapWorld, mail, type WorldOptions } from './support/imap-world.ts'

/** A world whose COPY waits until it is let go. */
async function slow(options: WorldOptions = {}) {
  const clock = fakeClock()
  const copying = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  const world = await imapWorld({
    ...options,
    clock,
    wrapStore: (store) =>
      new Proxy(store, {
        get(target, name) {
          const value = target[name as keyof typeof target] as unknown
          if (typeof value !== 'function') return value
          if (name !== 'copy') return value.bind(target)
          return async (...args: unknown[]) => {
            copying.resolve()
            await letGo.promise
            return value.apply(target, args)
          }
        },
      }),
  })
  await world.deliver('INBOX', mail('one'))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  return { world, client, clock, copying, letGo }
}

it('says every ten seconds that a long command goes on (RFC 9585)', async () => {
  const { world, client, clock, copying, letGo } = await slow()
  await using _ = world
  client.send('a1 COPY 1 Sent\r\n')
  await copying.promise
  await clock.advance(9_999)
  expect(client.pending).toBe('')
  await clock.advance(1)
  expect(await client.line()).toBe('* OK [INPROGRESS ("a1" NIL NIL)] Still working')
  await clock.advance(10_000)
  expect(await client.line()).toBe('* OK [INPROGRESS ("a1" NIL NIL)] Still working')
  letGo.resolve()
  expect(await client.line()).toMatch(/^a1 OK \[COPYUID/)
  await clock.advance(60_000)
  expect(await client.command('NOOP')).toHaveLength(1)
})

it('leaves a tag out that would end the code, and says nothing when it is switched off', async () => {
  const { world, client, clock, copying, letGo } = await slow()
  await using _ = world
  client.send('a] COPY 1 Sent\r\n')
  await copying.promise
  await clock.advance(10_000)
  expect(await client.line()).toBe('* OK [INPROGRESS] Still working')
  letGo.resolve()
  const silent = await slow({ offers: new Offers(['INPROGRESS']) })
  await using __ = silent.world
  silent.client.send('a COPY 1 Sent\r\n')
  await silent.copying.promise
  await silent.clock.advance(30_000)
  silent.letGo.resolve()
  expect(await silent.client.line()).toMatch(/^a OK/)
})

it('counts the messages of a FETCH and a SEARCH that take long', async () => {
  const clock = fakeClock()
  const world = await imapWorld({
    clock,
    wrapStore: (store) =>
      new Proxy(store, {
        get(target, name) {
          const value = target[name as keyof typeof target] as unknown
          if (typeof value !== 'function') return value
          // Every look into the store takes long.
          if (name === 'records')
            return async (...args: unknown[]) => {
              await clock.advance(11_000)
              return value.apply(target, args)
            }
          if (name !== 'indexes') return value.bind(target)
          return async function* (...args: unknown[]) {
            await clock.advance(11_000)
            yield* value.apply(target, args)
          }
        },
      }),
  })
  await using _ = world
  await world.deliver('INBOX', ...Array.from({ length: 4100 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const told = (await client.ok('FETCH 1:* (EMAILID)')).filter((line) => line.startsWith('* OK'))
  expect(told.map((line) => line.replace(/"t\d+"/, 'T'))).toEqual([
    '* OK [INPROGRESS (T 2000 4100)] Still working',
    '* OK [INPROGRESS (T 4000 4100)] Still working',
  ])
  const searched = await client.ok('SEARCH SUBJECT m77')
  expect(searched.slice(0, -1).map((line) => line.replace(/"t\d+"/, 'T'))).toEqual([
    '* OK [INPROGRESS (T 2000 4100)] Still working',
    '* OK [INPROGRESS (T 4000 4100)] Still working',
  ])
})
