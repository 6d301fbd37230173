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
  expect(await client.line()).toBe('* OK [INPROGRESS (NIL NIL NIL)] Still working')
  letGo.resolve()
  const silent = await slow({ offers: new Offers(['INPROGRESS']) })
  await using __ = silent.world
  silent.client.send('a COPY 1 Sent\r\n')
  await silent.copying.promise
  await silent.clock.advance(30_000)
  silent.letGo.resolve()
  expect(await silent.client.line()).toMatch(/^a OK/)
})

/** A world whose every look into the store takes eleven seconds. */
async function laborious(...slow: readonly string[]) {
  const clock = fakeClock()
  const world = await imapWorld({
    clock,
    wrapStore: (store) =>
      new Proxy(store, {
        get(target, name) {
          const value = target[name as keyof typeof target] as unknown
          if (typeof value !== 'function') return value
          if (!slow.includes(name as string)) return value.bind(target)
          if (name === 'indexes')
            return async function* (...args: unknown[]) {
              await clock.advance(11_000)
              yield* value.apply(target, args)
            }
          return async (...args: unknown[]) => {
            await clock.advance(11_000)
            return value.apply(target, args)
          }
        },
      }),
  })
  return { world, clock }
}

const progressOf = (lines: readonly string[]) =>
  lines
    .filter((line) => line.startsWith('* OK [INPROGRESS'))
    .map((line) => /\((.*)\)/.exec(line)?.[1]?.replace(/"t\d+"/, 'T'))

it('counts the messages of a FETCH and a SEARCH that take long', async () => {
  const { world } = await laborious('records', 'indexes')
  await using _ = world
  await world.deliver('INBOX', ...Array.from({ length: 4100 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  expect(progressOf(await client.ok('FETCH 1:* (EMAILID)'))).toEqual(['T 2000 4100', 'T 4000 4100'])
  expect(progressOf(await client.ok('SEARCH SUBJECT m77'))).toEqual(['T 2000 4100', 'T 4000 4100'])
  // Texts are read message by message, and the last one is never told.
  const read = progressOf(await client.ok('SEARCH 1:2001 BODY Hello'))
  expect(read.length).toBeGreaterThan(1)
  for (const counts of read) {
    const [, done, goal] = (counts as string).split(' ')
    expect(Number(done)).toBeLessThan(Number(goal))
    expect(goal).toBe('4100')
  }
})

it.each([
  // 1000 indexes are read at a time.
  ['SORT (SUBJECT) UTF-8 ALL', ['T 3100 4200', 'T 4100 4200']],
  ['THREAD REFERENCES UTF-8 1:1050', ['T 4150 4200']],
])('%s counts them twice, those that are left out at once', async (command, counts) => {
  const { world } = await laborious('indexes')
  await using _ = world
  await world.deliver('INBOX', ...Array.from({ length: 2100 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  expect(progressOf(await client.ok(command))).toEqual(counts)
})

it('goes on counting where a search comes before the sorting', async () => {
  const { world } = await laborious('records', 'blobs', 'indexes')
  await using _ = world
  await world.deliver('INBOX', ...Array.from({ length: 2100 }, (_, at) => mail(`m${at}`)))
  const client = await world.login()
  await client.ok('SELECT INBOX')
  const told = progressOf(await client.ok('SORT (SUBJECT) UTF-8 HEADER Subject m'))
  expect(told).toEqual(['T 2000 4200', 'T 2100 4200', 'T 3100 4200', 'T 4100 4200'])
})

it('counts the messages of all mailboxes that one ESEARCH goes through, of how many nobody knows', async () => {
  const { world } = await laborious('indexes')
  await using _ = world
  for (const name of ['INBOX', 'Sent']) {
    await world.deliver(name, ...Array.from({ length: 2100 }, (_, at) => mail(`m${at}`)))
  }
  const client = await world.login()
  const told = progressOf(await client.ok('ESEARCH IN (mailboxes (INBOX Sent)) SUBJECT m77'))
  expect(told).toEqual(['T 2000 NIL', 'T 2100 NIL', 'T 4100 NIL'])
})

it('counts the octets of an APPEND, and goes on while they are written', async () => {
  const clock = fakeClock()
  const appending = Promise.withResolvers<void>()
  const letGo = Promise.withResolvers<void>()
  const world = await imapWorld({
    clock,
    wrapStore: (store) => ({
      ...store,
      append: async (...args) => {
        appending.resolve()
        await letGo.promise
        return store.append(...args)
      },
    }),
  })
  await using _ = world
  const client = await world.login()
  client.send('a APPEND INBOX {5+}\r\nA: b\n {2000}\r\n')
  expect(await client.line()).toMatch(/^\+ /)
  await clock.advance(11_000)
  client.send('x'.repeat(1000))
  expect(await client.line()).toMatch(/^\* OK \[INPROGRESS \("a" 1005 NIL\)\]/)
  client.send(`${'x'.repeat(1000)}\r\n`)
  await appending.promise
  await clock.advance(10_000)
  expect(await client.line()).toBe('* OK [INPROGRESS ("a" 2005 NIL)] Still working')
  letGo.resolve()
  expect(await client.line()).toMatch(/^a OK \[APPENDUID/)
  await clock.advance(60_000)
  expect(await client.command('NOOP')).toHaveLength(1)
})
