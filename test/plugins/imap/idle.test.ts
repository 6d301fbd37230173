import { fakeClock } from 'mailserver/testing'
import { expect, it } from 'vitest'
import { imapWorld, mail } from './support/imap-world.ts'

it('pushes what happens within 100 ms (RFC 2177)', async () => {
  await using world = await imapWorld()
  await world.deliver('INBOX', mail('1'))
  const idle = await world.login()
  const other = await world.login()
  await idle.ok('SELECT INBOX')
  await other.ok('SELECT INBOX')
  idle.send('i IDLE\r\n')
  expect(await idle.line()).toBe('+ idling')
  const after = async (run: () => Promise<unknown>) => {
    await run()
    const from = performance.now()
    const line = await idle.line()
    expect(performance.now() - from).toBeLessThan(100)
    return line
  }
  expect(await after(() => world.deliver('INBOX', mail('2')))).toBe('* 2 EXISTS')
  expect(await idle.line()).toBe('* 2 RECENT')
  expect(await after(() => other.ok('STORE 1 +FLAGS.SILENT (\\Flagged)'))).toBe(
    '* 1 FETCH (FLAGS (\\Flagged \\Recent))',
  )
  expect(await after(() => other.ok('STORE 1 +FLAGS.SILENT (\\Deleted)'))).toContain('\\Deleted')
  expect(await after(() => other.ok('EXPUNGE'))).toBe('* 1 EXPUNGE')
  // DONE and the next command in one packet.
  idle.send('DONE\r\nn NOOP\r\n')
  expect(await idle.line()).toBe('i OK Idle completed')
  expect(await idle.line()).toBe('n OK Noop completed')
})

it('answers anything but DONE with BAD, and idles without a mailbox', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  client.send('i IDLE\r\n')
  expect(await client.line()).toBe('+ idling')
  client.send('x NOOP\r\n')
  expect(await client.line()).toBe('i BAD DONE expected')
  client.send('j IDLE\r\ndone\r\n')
  expect(await client.answer('j')).toEqual(['+ idling', 'j OK Idle completed'])
})

it('says BYE after 30 minutes of silence, in IDLE and out of it', async () => {
  const clock = fakeClock()
  await using world = await imapWorld({ clock })
  const idle = await world.login()
  const silent = await world.login()
  idle.send('i IDLE\r\n')
  await idle.line()
  await clock.advance(29 * 60_000)
  expect(idle.hasEnded || silent.hasEnded).toBe(false)
  await clock.advance(2 * 60_000)
  expect(await idle.line()).toBe('* BYE Autologout; idle for too long')
  expect(await silent.line()).toBe('* BYE Autologout; idle for too long')
})

it('says BYE when the server goes away', async () => {
  await using world = await imapWorld()
  const idle = await world.login()
  const silent = await world.login()
  const anonymous = await world.connect()
  idle.send('i IDLE\r\n')
  await idle.line()
  await world.sessions.end('Server is going away')
  for (const client of [idle, silent, anonymous]) expect(await client.rest()).toBe('* BYE Server is going away\r\n')
  expect(world.sessions.count).toBe(0)
})

it('lets go of everything when its client vanishes', async () => {
  await using world = await imapWorld()
  const client = await world.login()
  await client.ok('SELECT INBOX')
  client.send('i IDLE\r\n')
  await client.line()
  expect(world.mirrors.size).toBe(1)
  client.socket.resetAndDestroy()
  await world.sessions.allEnded()
  expect(world.mirrors.size).toBe(0)
})

it('asks the store once who has the recent message, and gives it to one of many sessions', async () => {
  let asked = 0
  let isBroken = false
  await using world = await imapWorld({
    wrapStore: (store) => ({
      ...store,
      firstRecentUid: (...args) => {
        if (isBroken) return Promise.reject(new Error('disk on fire'))
        asked += 1
        return store.firstRecentUid(...args)
      },
    }),
  })
  const clients = await Promise.all(Array.from({ length: 12 }, () => world.login()))
  for (const client of clients) await client.ok('SELECT INBOX')
  for (const client of clients) client.send('i IDLE\r\n')
  for (const client of clients) expect(await client.line()).toBe('+ idling')
  for (const turn of [1, 2]) {
    asked = 0
    await world.deliver('INBOX', mail(`${turn}`))
    const told: string[] = []
    for (const client of clients) {
      expect(await client.line()).toBe(`* ${turn} EXISTS`)
      told.push(await client.line())
    }
    expect(asked).toBe(1)
    const recent = told.map((line) => Number(/^\* (\d+) RECENT$/.exec(line)?.[1]))
    expect(recent.reduce((sum, count) => sum + count)).toBe(turn)
  }
  isBroken = true
  await world.deliver('INBOX', mail('3'))
  await Promise.all(clients.map((client) => client.line()))
  isBroken = false
  const later = await world.login()
  expect(await later.ok('SELECT INBOX')).toContain('* 1 RECENT')
})
